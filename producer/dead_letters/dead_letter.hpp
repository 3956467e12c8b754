/// What can be told of one message of the dead letters' queue.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/amqp/message.hpp"

namespace prewarm::producer {

/// A summary: without headers and body. Texts are as they came: pass them through `shown`.
struct DeadLetter {
    /// 16 hex digits, made of what makes it this letter: body, message id, why and when it died. It
    /// stays the same however often the letter is looked at, and is another one when a replayed
    /// message dies again. Copies that agree in all that share it.
    std::string id;
    /// A FailureReason's name; what RabbitMQ says of a letter that it dead-lettered itself
    /// (`delivery_limit`, `rejected`, `expired`, `maxlen`); or `UNKNOWN`.
    std::string reason;
    std::string detail;
    std::optional<std::chrono::system_clock::time_point> died_at;
    std::int64_t attempts = 0;
    std::int64_t replays = 0;
    std::uint64_t message_bytes = 0;
    std::uint64_t handed_out = 0;  ///< Before this time, as the queue counts.
    bool oversized = false;        ///< Neither headers nor body could be read.

    std::string message_id;
    std::string event_id;  ///< This and what follows: of the body, as far as it could be read.
    std::string bot_slug;
    std::string kind;               ///< Lower case; empty if it is none of the eight.
    std::string sha256;             ///< 64 hex digits, or empty.
    std::uint64_t media_bytes = 0;  ///< Of the object; 0: unknown.
};

DeadLetter read_dead_letter(const amqp::Delivery& delivery);

/// As it is to be published again: without what the service and the broker noted when it died,
/// but for the day it was first seen, and with one replay more.
amqp::Message to_replay(amqp::Message message);

}  // namespace prewarm::producer
