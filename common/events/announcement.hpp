/// What is told about a media: MediaReady and MediaFailed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/upload.hpp"
#include "common/events/upload_event.hpp"

namespace prewarm::events {

inline constexpr std::string_view ready_type = "prewarm.v1.MediaReady";
inline constexpr std::string_view failed_type = "prewarm.v1.MediaFailed";

/// A media that will not get ready. Of an event that could not be read, what could.
struct FailedMedia {
    std::string bot_slug;
    std::string sha256_bytes;
    int kind_number = 0;
    FailureReason reason = FailureReason::undecodable;
    std::string detail;
    std::uint32_t attempts = 0;
    std::string upload_event_id;
};

FailedMedia failed_media(const Upload& upload, FailureReason reason, std::string detail,
                         std::uint32_t attempts);
FailedMedia failed_media(const BadEvent& event);

/// Protobuf bytes of a MediaReady with this event_id.
std::string encode_ready(const ReadyMedia& ready, bool already_warm, std::string event_id,
                         std::chrono::system_clock::time_point now);

/// Protobuf bytes of a MediaFailed with this event_id.
std::string encode_failed(const FailedMedia& failed, std::string event_id,
                          std::chrono::system_clock::time_point now);

/// The announcement's JSON, for people and programs that follow them; empty if `body` is not a
/// message of `type` (a proto message's full name).
std::string announcement_as_json(std::string_view type, std::string_view body);

}  // namespace prewarm::events
