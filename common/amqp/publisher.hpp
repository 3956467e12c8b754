/// Publishes messages and knows when the broker has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "common/amqp/link.hpp"
#include "common/amqp/message.hpp"
#include "common/runtime/deadline.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::amqp {

enum class Mandatory : bool { no, yes };

/// Publishes over a connection of its own, which it makes again whenever it is lost. Lives on one
/// loop's thread; `run()` must have ended before it is destroyed.
class Publisher {
public:
    Publisher(asio::any_io_executor executor, LinkOptions options);
    ~Publisher();
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

    /// Connects until `close()` or cancelled; to be spawned once by the owner.
    asio::awaitable<void> run();

    /// Ends with the broker's confirm. As many as the caller likes may be under way at once. While
    /// there is no connection, or too much is queued, it waits for its turn and holds its message.
    ///
    /// - `transient`: the broker did not take it (basic.nack: a full queue, no quorum).
    /// - `refused`: `Mandatory::yes`, and no queue is bound for this key.
    /// - `misconfigured`: the broker closed the channel, because the exchange is missing or
    ///   forbidden; publishes under way at that moment end so too.
    /// - `unavailable`: no connection or no answer until the deadline, or the connection was lost
    ///   with the answer outstanding: it may or may not have been taken.
    /// - `too_large`: the properties do not fit a frame.
    Task<> publish(std::string exchange, std::string routing_key, Message message,
                   Mandatory mandatory, Deadline deadline);

    std::size_t outstanding() const;  ///< Sent and not confirmed.

    /// Waits for the confirms of what is under way, then closes the connection and ends `run()`.
    /// Publishes from now on end `unavailable`.
    Task<> close(Deadline deadline);

    LinkStatus status() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace prewarm::amqp
