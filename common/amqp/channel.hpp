/// A channel of a connection: the calls to the broker, each with its deadline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/amqp/field_table.hpp"
#include "common/amqp/message.hpp"
#include "common/base/failure.hpp"
#include "common/runtime/deadline.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::amqp {

class ChannelCore;
class Session;

enum class Requeue : bool { no, yes };

/// What `declare_queue` asks for; ours are durable.
struct QueueSpec {
    std::string name;  ///< Empty: the broker makes one up.
    bool durable = true;
    bool exclusive = false;    ///< Goes with the connection.
    bool auto_delete = false;  ///< Goes with its last consumer.
    FieldTable arguments{};
};

struct QueueState {
    std::string name;
    std::uint32_t ready_messages = 0;  ///< Not those handed out and unacknowledged.
    std::uint32_t consumers = 0;
};

struct ExchangeSpec {
    std::string name;
    std::string type;  ///< direct, topic, fanout, headers.
    bool durable = true;
    bool auto_delete = false;
    FieldTable arguments{};
};

/// A message that found no queue: it was published `mandatory` and came back, without its body.
struct Returned {
    std::string exchange;
    std::string routing_key;
    std::string message_id;
    std::string reason;  ///< `312 NO_ROUTE`
};

/// The broker's word on published messages, which are numbered from 1 on.
struct Confirm {
    std::uint64_t number = 0;
    bool multiple = false;  ///< All up to `number`.
    bool taken = true;      ///< False: basic.nack.
};

/// What a channel says of its own accord. Called from the connection's reading coroutine: note it
/// down and return.
struct ChannelEvents {
    std::function<void(Delivery)> on_delivery;  ///< Tags have generation 0.
    std::function<void(std::string why)> on_consumer_cancelled;
    std::function<void(Returned)> on_returned;
    std::function<void(Confirm)> on_confirm;
    std::function<void(const Failure&)> on_closed;  ///< The channel or its connection is gone.
};

/// Lives on its connection's thread. Letting go of it closes it; what it held unacknowledged goes
/// back to the queue.
///
/// Every call ends `unavailable` when the connection is lost or the deadline passes; what it asked
/// for may then be done or not. When the broker refuses a call (403, 404, 406) it closes the
/// channel: the call ends `refused` with the broker's text, the connection lives, and a new channel
/// is to be opened.
class Channel {
public:
    /// Largest body kept unless `keep_bodies_to` says otherwise: what a job at work may cost in
    /// memory. An upload event has some hundred bytes; this is room for thousands of cache keys.
    static constexpr std::size_t default_largest_body = 256 * 1024;

    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    Task<> declare_exchange(ExchangeSpec exchange, Deadline deadline);
    Task<> delete_exchange(std::string name, Deadline deadline);
    /// Makes the queue, or checks that the one there has the same arguments: `refused` names the
    /// argument that differs with both values.
    Task<QueueState> declare_queue(QueueSpec queue, Deadline deadline);
    /// Looks at a queue as it is; `refused` when there is none.
    Task<QueueState> inspect_queue(std::string name, Deadline deadline);
    Task<> bind_queue(std::string queue, std::string exchange, std::string routing_key,
                      Deadline deadline);
    Task<std::uint32_t> purge_queue(std::string name, Deadline deadline);   ///< Messages dropped.
    Task<std::uint32_t> delete_queue(std::string name, Deadline deadline);  ///< Messages dropped.

    /// One message, taken but not acknowledged; nothing when the queue is empty.
    Task<std::optional<Delivery>> get(std::string queue, Deadline deadline);

    /// At most `count` deliveries unacknowledged, for each consumer started from now on.
    Task<> prefetch(std::uint16_t count, Deadline deadline);
    /// Deliveries come to `on_delivery`. Gives the consumer's tag, which the broker makes up if
    /// there is none.
    Task<std::string> consume(std::string queue, Deadline deadline, std::string tag = {});
    /// Deliveries may come until this ends; what is held can still be acknowledged.
    Task<> cancel(std::string consumer_tag, Deadline deadline);

    /// Queued and sent with what else is queued; not answered. The broker closes the channel for a
    /// number it does not know. Without effect on a closed channel.
    void ack(std::uint64_t number);
    void reject(std::uint64_t number, Requeue requeue);
    void nack(std::uint64_t number, Requeue requeue);
    /// Gives back everything that is handed out and unacknowledged on this channel.
    void give_all_back();

    /// From now on the broker confirms every message published here.
    Task<> confirm_publishes(Deadline deadline);
    /// Queues the message. `too_large` when its properties do not fit a frame, `refused` when a
    /// name is too long; `unavailable` on a closed channel. Nothing was sent then.
    Result<> publish(std::string_view exchange, std::string_view routing_key,
                     const Message& message, bool mandatory);

    /// Bodies above it are skipped: see Delivery::oversized.
    void keep_bodies_to(std::size_t bytes);
    /// Set before the call that makes the broker talk; `{}` for nobody listens any more.
    void listen(ChannelEvents events);

    bool is_open() const;
    /// What was queued before is sent first. Afterwards the channel is of no use any more.
    Task<> close(Deadline deadline);

private:
    friend class Session;
    Channel(std::shared_ptr<Session> session, std::shared_ptr<ChannelCore> core);

    std::shared_ptr<Session> session_;  // Outlives the core, which refers to it.
    std::shared_ptr<ChannelCore> core_;
};

}  // namespace prewarm::amqp
