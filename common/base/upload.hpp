/// What is to be warmed, and what became of it: the values that the steps of a job hand on.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/media.hpp"

namespace prewarm {

/// Of a video, animation or audio that Telegram looks into. What is larger shows as it was declared
/// (Bot API, observed).
inline constexpr std::uint64_t analysed_up_to_bytes = 10'000'000;

/// Of a thumbnail that Telegram takes (TDLib, FileLoaderUtils.cpp; documented as 200 kB).
inline constexpr std::uint64_t most_thumbnail_bytes = 204'799;

/// What Telegram cannot work out for files above ~10 MB. Zero or empty: not declared.
struct MediaAttributes {
    std::uint32_t width = 0;   ///< Pixels.
    std::uint32_t height = 0;  ///< Pixels.
    std::chrono::milliseconds duration{0};
    std::string title;      ///< Audio.
    std::string performer;  ///< Audio.
    bool supports_streaming = false;
    std::string thumbnail_r2_key;  ///< JPEG, at most 320x320 and 200 kB; in the upload's bucket.

    bool operator==(const MediaAttributes&) const = default;
};

/// A checked upload event: "this object is in R2: make it sendable by this bot".
struct Upload {
    std::string event_id;
    std::chrono::system_clock::time_point occurred_at;
    MediaKey media;
    std::string r2_bucket;  ///< Empty: the default bucket.
    std::string r2_key;
    std::uint64_t bytes = 0;  ///< 0: unknown.
    std::string mime_type;
    std::string file_name;
    std::int64_t warmup_chat_id = 0;  ///< 0: one of the bot's storage chats.
    std::vector<std::string> cache_keys;
    std::vector<std::string> cache_tags;
    MediaAttributes attributes;
    // From the message's headers:
    std::string traceparent;   ///< W3C; passed on to what it causes.
    std::string first_seen;    ///< RFC 3339: when the service first took it.
    std::int64_t replays = 0;  ///< How often it came back from the dead letters.
};

/// What Telegram answered to a send: the media as it really is.
struct Sent {
    MediaKind actual_kind = MediaKind::document;
    std::string file_id;
    std::string file_unique_id;
    std::uint64_t bytes = 0;  ///< Of the object sent, not what Telegram made of it.
    std::int64_t chat_id = 0;
    std::int64_t message_id = 0;
    MediaAttributes declared{};  ///< What Telegram was told of it.
    /// A copy of a message whose file_id is not weak.
    bool is_copy_of_good = false;
};

/// A media with a file_id, as the database holds it.
struct ReadyMedia {
    MediaKey media;
    MediaKind actual_kind = MediaKind::document;
    bool weak = false;  ///< Another kind than asked, or stored without its video attributes.
    std::string file_id;
    std::string file_unique_id;
    std::uint64_t version = 0;
    std::uint64_t bytes = 0;
    std::int64_t storage_chat_id = 0;
    std::int64_t storage_message_id = 0;
    std::uint32_t attempts = 0;  ///< Failed ones and the one that succeeded.
    std::vector<std::string> upload_event_ids;
    std::vector<std::string> cache_keys;
    std::vector<std::string> cache_tags;
};

/// Why a media will not get ready. Numbered as in proto/prewarm/v1/events.proto.
enum class FailureReason : std::uint8_t {
    undecodable = 1,
    invalid_event,
    unknown_bot,
    object_missing,
    object_mismatch,
    too_large,
    rejected_by_telegram,
    attempts_exhausted,
    crash_loop,
};

/// As the proto spells it, for headers and metrics: `OBJECT_MISSING`.
std::string_view name_of(FailureReason reason);

}  // namespace prewarm
