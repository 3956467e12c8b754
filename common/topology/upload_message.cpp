#include "common/topology/upload_message.hpp"

#include <chrono>
#include <utility>

#include "common/events/upload_event.hpp"

namespace prewarm::topology {

amqp::Message upload_message(const Upload& upload, std::string app_id) {
    amqp::Message message;
    message.body = events::encode_upload(upload);
    message.content_type = events::protobuf_content_type;
    message.type = events::upload_type;
    message.message_id = upload.event_id;
    message.app_id = std::move(app_id);
    message.timestamp = std::chrono::floor<std::chrono::seconds>(upload.occurred_at);
    message.priority = events::priority_of(upload);
    if (!upload.traceparent.empty()) message.headers.set("traceparent", upload.traceparent);
    if (!upload.first_seen.empty()) message.headers.set("x-prewarm-first-seen", upload.first_seen);
    if (upload.replays != 0) message.headers.set("x-prewarm-replays", upload.replays);
    return message;
}

}  // namespace prewarm::topology
