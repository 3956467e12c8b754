/// A RabbitMQ of the test's own, for what would disturb others: death, a freeze, an alarm.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <sys/types.h>

#include "common/amqp/broker_url.hpp"

namespace prewarm::amqp {

/// Started by scripts/stack.d/rabbitmq, which has to be installed; killed with all its files at the
/// end. The calls block until they have taken effect.
class PrivateBroker {
public:
    PrivateBroker();
    ~PrivateBroker();
    PrivateBroker(const PrivateBroker&) = delete;
    PrivateBroker& operator=(const PrivateBroker&) = delete;

    BrokerAddress address() const;

    void kill();     ///< SIGKILL: as a crash.
    void restart();  ///< With the same files and ports.
    void freeze();   ///< SIGSTOP
    void thaw();     ///< SIGCONT
    /// The memory alarm, at once with "40MB"; gone with "1GB".
    void set_memory_limit(const std::string& bytes);

private:
    void start();
    pid_t launch(const std::string& script) const;
    void wait_until_it_answers() const;
    std::string environment() const;

    std::filesystem::path folder_;
    std::uint16_t port_;
    std::uint16_t management_port_;
    std::uint16_t distribution_port_;
    std::uint16_t epmd_port_;
    pid_t epmd_ = 0;
    pid_t broker_ = 0;
};

}  // namespace prewarm::amqp
