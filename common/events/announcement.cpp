#include "common/events/announcement.hpp"

#include "common/events/proto_values.hpp"
#include "prewarm/v1/events.pb.h"

namespace prewarm::events {
namespace {

template <class Message>
std::string json_of(std::string_view body) {
    Message message;
    if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return {};
    return as_json(message);
}

/// Proto3 strings must be UTF-8; what came from outside may be cut in the middle of a character.
bool is_plain(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80) return false;
    }
    return true;
}

}  // namespace

FailedMedia failed_media(const Upload& upload, FailureReason reason, std::string detail,
                         std::uint32_t attempts) {
    return {.bot_slug = upload.media.bot_slug,
            .sha256_bytes = bytes_of(upload.media.sha256),
            .kind_number = static_cast<int>(upload.media.kind),
            .reason = reason,
            .detail = std::move(detail),
            .attempts = attempts,
            .upload_event_id = upload.event_id};
}

FailedMedia failed_media(const BadEvent& event) {
    return {.bot_slug = is_bot_slug(event.bot_slug) ? event.bot_slug : std::string{},
            .sha256_bytes = event.sha256_bytes.size() == 32 ? event.sha256_bytes : std::string{},
            .kind_number = v1::MediaKind_IsValid(event.kind_number) ? event.kind_number : 0,
            .reason = event.reason,
            .detail = event.detail,
            .attempts = 0,
            .upload_event_id = is_plain(event.event_id) ? event.event_id.substr(0, 128) : ""};
}

std::string encode_ready(const ReadyMedia& ready, bool already_warm, std::string event_id,
                         std::chrono::system_clock::time_point now) {
    v1::MediaReady event;
    event.set_event_id(std::move(event_id));
    *event.mutable_occurred_at() = timestamp_of(now);
    event.set_bot_slug(ready.media.bot_slug);
    event.set_sha256(bytes_of(ready.media.sha256));
    event.set_kind(static_cast<v1::MediaKind>(ready.media.kind));
    event.set_actual_kind(static_cast<v1::MediaKind>(ready.actual_kind));
    event.set_file_id(ready.file_id);
    event.set_file_unique_id(ready.file_unique_id);
    event.set_bytes(ready.bytes);
    event.set_version(ready.version);
    event.set_storage_chat_id(ready.storage_chat_id);
    event.set_storage_message_id(ready.storage_message_id);
    event.mutable_upload_event_ids()->Assign(ready.upload_event_ids.begin(),
                                             ready.upload_event_ids.end());
    event.set_already_warm(already_warm);
    event.set_attempts(ready.attempts);
    return event.SerializeAsString();
}

std::string encode_failed(const FailedMedia& failed, std::string event_id,
                          std::chrono::system_clock::time_point now) {
    v1::MediaFailed event;
    event.set_event_id(std::move(event_id));
    *event.mutable_occurred_at() = timestamp_of(now);
    event.set_bot_slug(failed.bot_slug);
    event.set_sha256(failed.sha256_bytes);
    event.set_kind(static_cast<v1::MediaKind>(failed.kind_number));
    event.set_reason(static_cast<v1::FailureReason>(failed.reason));
    event.set_detail(failed.detail);
    event.set_attempts(failed.attempts);
    event.set_upload_event_id(failed.upload_event_id);
    return event.SerializeAsString();
}

std::string announcement_as_json(std::string_view type, std::string_view body) {
    if (type == ready_type) return json_of<v1::MediaReady>(body);
    if (type == failed_type) return json_of<v1::MediaFailed>(body);
    return {};
}

}  // namespace prewarm::events
