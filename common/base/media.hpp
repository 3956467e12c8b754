/// What a media is: the words of the contract that everybody uses.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace prewarm {

/// Numbered as in proto/prewarm/v1/events.proto.
enum class MediaKind : std::uint8_t {
    photo = 1,
    video,
    animation,
    audio,
    voice,
    video_note,
    document,
    sticker,
};

inline constexpr std::array all_media_kinds{
    MediaKind::photo, MediaKind::video,      MediaKind::animation, MediaKind::audio,
    MediaKind::voice, MediaKind::video_note, MediaKind::document,  MediaKind::sticker};

/// Lower case, as in the database, routing keys, URLs and metrics: `video_note`.
std::string_view name_of(MediaKind kind);
std::optional<MediaKind> media_kind_named(std::string_view name);

/// SHA-256 of an object's content.
struct Sha256 {
    std::array<std::uint8_t, 32> bytes{};

    std::string hex() const;  ///< 64 lower-case digits.
    auto operator<=>(const Sha256&) const = default;
};

/// From 64 hex digits of either case; nothing if it is not that.
std::optional<Sha256> sha256_from_hex(std::string_view hex);
/// From 32 raw bytes; nothing if there are not as many.
std::optional<Sha256> sha256_from_bytes(std::string_view bytes);

/// The SHA-256 of these bytes.
Sha256 sha256_of(std::string_view bytes);

/// The identity of a media: one row, one file_id.
struct MediaKey {
    std::string bot_slug;
    Sha256 sha256;
    MediaKind kind = MediaKind::document;

    auto operator<=>(const MediaKey&) const = default;
};

/// `^[a-z0-9][a-z0-9_-]{0,63}$` (contract, section 2).
bool is_bot_slug(std::string_view text);

}  // namespace prewarm
