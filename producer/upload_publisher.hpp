/// Upload events on their way to the service's queue.
#pragma once

#include <optional>
#include <string_view>

#include "common/amqp/publisher.hpp"
#include "common/base/upload.hpp"
#include "common/runtime/task.hpp"
#include "producer/config.hpp"
#include "producer/runner.hpp"

namespace prewarm::producer {

/// Publishes protobuf with the contract's priority, persistent, confirmed and mandatory. Once the
/// broker was found away it is not waited for again. One loop's thread.
class UploadPublisher {
public:
    /// The publisher's connection runs beside the runner's command, which `runner` must outlive.
    UploadPublisher(Runner& runner, const BrokerConfig& broker, std::string_view command);

    /// Connects once, to learn at once what the publisher would find out by waiting. Without
    /// success nothing can be published.
    Task<> connect();

    /// Ends with the broker's confirm, or as amqp::Publisher::publish says.
    Task<> publish(Upload upload);

    /// Ends the connection in good order.
    asio::awaitable<void> close();

private:
    Runner& runner_;
    amqp::ConnectionOptions connection_;
    topology::Names names_;
    amqp::Publisher publisher_;
    std::optional<Failure> away_ = Failure{FailureKind::unavailable, "not connected yet"};
};

}  // namespace prewarm::producer
