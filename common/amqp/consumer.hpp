/// Takes deliveries from a queue, for as long as the process lives.
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

struct ConsumerOptions {
    LinkOptions link;
    std::string queue;
    std::uint16_t prefetch = 64;  ///< Most deliveries unsettled at once; 0 is taken for 1.
    std::size_t largest_body_bytes = Channel::default_largest_body;
};

/// Consumes over a connection of its own, which it makes again whenever it is lost. Lives on one
/// loop's thread; `run()` must have ended before it is destroyed.
///
/// An intake takes what comes with `next()` in one coroutine, and settles each delivery by its tag
/// whenever its job is done, in any order.
class Consumer {
public:
    Consumer(asio::any_io_executor executor, ConsumerOptions options);
    ~Consumer();
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;

    /// Connects and consumes until `close()` or cancelled; to be spawned once by the owner. When
    /// it is cancelled the connection is dropped, and what was held goes back to the queue.
    asio::awaitable<void> run();

    /// The next delivery, however long that takes. A Failure tells that the broker ended the
    /// consumer or the connection was lost: deliveries whose tag is not held any more will come
    /// again, and should not be started. Call again to wait for the consumer's return. One caller
    /// at a time. After `close()`: `unavailable`, at once.
    Task<Delivery> next();

    /// Whether the tag can still be settled: handed out, on the channel that is alive now.
    bool holds(DeliveryTag tag) const;
    std::size_t held() const;  ///< Deliveries handed out and not settled.

    /// Settle a delivery. Nothing happens for a tag that is not held: its delivery is back in the
    /// queue already. Sent with whatever else is queued; a lost connection may lose it, and then
    /// the delivery comes again.
    void ack(DeliveryTag tag);
    /// It failed: with requeue this counts as a failed delivery, without it is dead-lettered.
    void reject(DeliveryTag tag, Requeue requeue);
    /// It is given back untouched (from RabbitMQ 4.3 on that does not count).
    void nack(DeliveryTag tag, Requeue requeue);

    /// Takes no more until `resume()`. What is held stays held and can be settled; what `next()`
    /// had not handed out yet goes back to the queue. Holds across lost connections.
    Task<> pause(Deadline deadline);
    Task<> resume(Deadline deadline);
    /// At once when consuming, else with the next `resume()` or connection.
    Task<> set_prefetch(std::uint16_t count, Deadline deadline);

    /// Stops taking, sends what is queued, and ends `run()`. What is still held goes back.
    Task<> close(Deadline deadline);

    LinkStatus status() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace prewarm::amqp
