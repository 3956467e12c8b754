/// The upload event on the wire: bytes to a checked Upload, and back.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/base/upload.hpp"

namespace prewarm::events {

inline constexpr std::string_view protobuf_content_type = "application/x-protobuf";
inline constexpr std::string_view json_content_type = "application/json";
inline constexpr std::string_view upload_type = "prewarm.v1.MediaUploaded";

/// An event is a few hundred bytes; its lists of cache keys may make it some thousand.
inline constexpr std::size_t max_event_bytes = 256 * 1024;

/// Why an event cannot be worked on, and as much of it as could be read.
struct BadEvent {
    FailureReason reason = FailureReason::undecodable;  ///< Or `invalid_event`.
    std::string detail;
    std::string event_id;  ///< These are as they came, unchecked, and perhaps empty.
    std::string bot_slug;
    std::string sha256_bytes;
    int kind_number = 0;
};

/// Protobuf, or the canonical JSON mapping when `content_type` says so; without a content type the
/// body decides. Unknown fields are passed over, so that newer uploaders may say more.
std::expected<Upload, BadEvent> decode_upload(std::string_view body, std::string_view content_type);

/// As protobuf; `decode_upload` gives back the same.
std::string encode_upload(const Upload& upload);

/// As one line of canonical protobuf JSON.
std::string upload_as_json(const Upload& upload);

/// AMQP priority (contract, section 8.2): 0 to 9, higher first; small media never wait behind
/// large.
std::uint8_t priority_of(const Upload& upload);

/// A new random UUID, for events.
std::string new_event_id();

}  // namespace prewarm::events
