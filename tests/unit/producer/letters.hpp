/// Dead letters as the service and the broker make them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "common/amqp/message.hpp"
#include "common/events/upload_event.hpp"

namespace prewarm::producer {

inline Upload sample_upload(const std::string& event_id = "event-1") {
    Upload upload;
    upload.event_id = event_id;
    upload.occurred_at = std::chrono::system_clock::time_point{std::chrono::seconds{1'700'000'000}};
    upload.media = {.bot_slug = "shop", .sha256 = sha256_of(event_id), .kind = MediaKind::photo};
    upload.r2_key = "a.jpg";
    upload.bytes = 45'000;
    return upload;
}

inline amqp::Delivery delivery_of(amqp::Message message) {
    amqp::Delivery delivery;
    delivery.body_bytes = message.body.size();
    delivery.message = std::move(message);
    return delivery;
}

inline amqp::Message event_message(const Upload& upload = sample_upload()) {
    amqp::Message message;
    message.body = events::encode_upload(upload);
    message.content_type = events::protobuf_content_type;
    message.type = events::upload_type;
    message.message_id = upload.event_id;
    return message;
}

/// As the service dead-letters it.
inline amqp::Message dead(amqp::Message message, const std::string& reason = "OBJECT_MISSING",
                          const std::string& failed_at = "2026-11-21T10:50:12.123Z") {
    message.headers.set("x-prewarm-reason", reason);
    message.headers.set("x-prewarm-detail", "transfer: GET media/a.jpg: HTTP 404 NoSuchKey");
    message.headers.set("x-prewarm-attempts", std::int64_t{2});
    message.headers.set("x-prewarm-first-seen", "2026-11-20T00:00:00.000Z");
    message.headers.set("x-prewarm-failed-at", failed_at);
    message.headers.set("x-prewarm-instance", "host-1");
    message.headers.set("x-prewarm-replays", std::int64_t{3});
    return message;
}

/// As RabbitMQ does.
inline amqp::Message dead_by_broker(amqp::Message message, const std::string& reason,
                                    std::uint64_t seconds) {
    amqp::FieldTable death;
    death.set("count", std::int64_t{1});
    death.set("reason", reason);
    death.set("queue", "prewarm");
    death.set("time", amqp::Timestamp{seconds});
    message.headers.set("x-death", amqp::FieldArray{amqp::FieldValue{death}});
    message.headers.set("x-first-death-reason", reason);
    return message;
}

}  // namespace prewarm::producer
