/// The exchanges and queues of the contract (section 3): their names, and how they are declared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/amqp/connection.hpp"
#include "common/base/media.hpp"
#include "common/runtime/deadline.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::topology {

/// What everything is called, with RABBITMQ_PREFIX before every name. Keys have no prefix: their
/// exchange has.
struct Names {
    explicit Names(std::string_view prefix = "");

    std::string upload_exchange;       ///< `prewarm`
    std::string upload_queue;          ///< `prewarm`
    std::string upload_key;            ///< `prewarm`
    std::string dead_letter_exchange;  ///< `prewarm.dlx`
    std::string dead_letter_queue;     ///< `prewarm.dlq`
    std::string dead_letter_key;       ///< `prewarm.dlq`
    std::string media_exchange;        ///< `media`
};

/// `media.ready.<bot_slug>.<kind>`
std::string ready_key(std::string_view bot_slug, MediaKind kind);
/// `media.failed.<bot_slug>.<kind>`
std::string failed_key(std::string_view bot_slug, MediaKind kind);

/// Of the upload queue: a backstop for what crashes every consumer before it can say so. Never -1:
/// that means "at the first requeue" to RabbitMQ 3.10 and "never" to 4.x.
inline constexpr std::int64_t delivery_limit = 50;

/// Makes what is missing and checks what is there, on a channel of its own: the dead letters' queue
/// before the one that needs it. `misconfigured` when something exists with other arguments: it
/// names the argument with both values and says what to do. Nothing is ever deleted or changed.
Task<> declare(amqp::Connection& connection, Names names, Deadline deadline);

}  // namespace prewarm::topology
