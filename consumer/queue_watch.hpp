/// How much waits in the queues, asked over a connection of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/amqp/connection.hpp"
#include "common/metrics/registry.hpp"
#include "common/runtime/deadline.hpp"
#include "common/runtime/task.hpp"
#include "common/topology/topology.hpp"

namespace prewarm {

/// A refused question closes its channel, and an alarm stops a connection that publishes: neither
/// must hit those who work. `metrics` outlives it; one loop's thread.
class QueueWatch {
public:
    QueueWatch(amqp::ConnectionOptions connection, topology::Names names,
               metrics::Registry& metrics);

    /// Asks for the depth of both queues, connecting first if need be.
    Task<> ask();

    std::uint64_t upload_queue_depth() const { return upload_queue_depth_; }
    /// The last answers, of several seconds together, all said so.
    bool upload_queue_is_empty() const;

    asio::awaitable<void> close(Deadline deadline);

private:
    Task<> connect();
    Task<std::uint64_t> depth_of(std::string queue);

    amqp::ConnectionOptions options_;
    topology::Names names_;
    metrics::Registry& metrics_;
    std::unique_ptr<amqp::Connection> connection_;
    std::shared_ptr<amqp::Channel> channel_;
    std::uint64_t upload_queue_depth_ = 0;
    std::optional<std::chrono::steady_clock::time_point> empty_since_;
    std::chrono::steady_clock::time_point last_answer_;
};

}  // namespace prewarm
