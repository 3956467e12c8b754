/// What is published and what is delivered.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "common/amqp/field_table.hpp"

namespace prewarm::amqp {

/// A body with its properties; an empty text is a property that is not set.
///
/// Two properties are left behind when a message is read, because one that is published again must
/// not carry them: `expiration` (a dead letter would vanish; the broker drops it as well when it
/// dead-letters) and `user-id` (the broker refuses another user's).
struct Message {
    std::string body;
    std::string content_type;
    std::string content_encoding;
    std::string type;
    std::string message_id;
    std::string correlation_id;
    std::string reply_to;
    std::string app_id;
    std::optional<std::chrono::sys_seconds> timestamp;
    std::optional<std::uint8_t> priority;
    bool persistent = true;
    FieldTable headers;

    bool operator==(const Message&) const = default;
};

/// Names a delivery to the consumer that handed it out. Of no use once its channel is gone.
struct DeliveryTag {
    std::uint64_t number = 0;
    std::uint64_t generation = 0;  ///< Which channel of the consumer's, counted from 1.

    auto operator<=>(const DeliveryTag&) const = default;
};

struct Delivery {
    Message message;
    std::string exchange;
    std::string routing_key;
    /// Perhaps handed out before; it says nothing about whether it was processed.
    bool redelivered = false;
    DeliveryTag tag;
    std::uint64_t body_bytes = 0;  ///< As announced by the broker.
    /// Body or headers are over the consumer's bounds and were not kept: `message.body` and
    /// `message.headers` are empty, the other properties are there. The broker still holds all of
    /// it, so that a reject without requeue dead-letters it whole.
    bool oversized = false;

    /// Earlier hand-outs that a quorum queue counts to its limit; 0 for other queues.
    std::uint64_t delivery_count() const;
};

}  // namespace prewarm::amqp
