/// Sees when a policy takes away what the queues' arguments promise.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/failure.hpp"
#include "common/http/client.hpp"
#include "common/metrics/registry.hpp"
#include "common/runtime/task.hpp"
#include "common/topology/topology.hpp"
#include "consumer/management_url.hpp"

namespace prewarm {

/// AMQP shows no policies; the management API does. What is found is logged when it changes, and
/// shown as `prewarm_queue_policy_wrong`, which keeps its last value while the API is away. No job
/// depends on it. `metrics` outlives it; one loop's thread.
class PolicyWatch {
public:
    /// Without an address nothing is watched, and `run` says so.
    PolicyWatch(asio::any_io_executor executor, std::optional<ManagementAddress> address,
                std::string vhost, const topology::Names& names, metrics::Registry& metrics);

    /// Looks at once, and then every minute until it is cancelled. A management API that does not
    /// answer is told of once.
    asio::awaitable<void> run();

    /// Looks once at each queue; needs an address. A failure means that one could not be seen.
    Task<> look();

private:
    using Faults = Result<std::vector<std::string>>;
    struct Watched {
        std::string queue;
        std::function<Faults(std::string_view answer)> faults_of;
        std::string faults{};  ///< As last told.
    };

    Task<> look_at(Watched& watched);
    void note(const Result<>& looked);

    http::Client client_;
    std::optional<ManagementAddress> address_;
    std::string vhost_;
    std::array<Watched, 2> queues_;
    metrics::Registry& metrics_;
    std::optional<FailureKind> trouble_;  ///< Of the last look. Its words may tell the time.
};

}  // namespace prewarm
