#include "producer/media_type.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "producer/webp.hpp"

namespace prewarm::producer {
namespace {

constexpr std::uint64_t most_photo_bytes = 10 * 1024 * 1024;
constexpr std::uint64_t most_sticker_bytes = 512 * 1024;
constexpr std::uint32_t sticker_side = 512;

MediaKind photo_if_small(const FileContent& file) {
    return file.bytes <= most_photo_bytes ? MediaKind::photo : MediaKind::document;
}

MediaKind kind_of_webp(const FileContent& file) {
    const auto picture = webp_picture(file.head);
    if (!picture || picture->animated) return MediaKind::document;
    const bool fits_a_sticker = std::max(picture->width, picture->height) == sticker_side &&
                                file.bytes <= most_sticker_bytes;
    return fits_a_sticker ? MediaKind::sticker : photo_if_small(file);
}

/// The first page of an Ogg stream holds nothing but its codec's header, behind 27 bytes and a
/// table of segments, which has one entry then.
bool is_opus_in_ogg(std::string_view head) {
    return head.starts_with("OggS") && head.size() >= 36 && head.substr(28, 8) == "OpusHead";
}

}  // namespace

MediaKind kind_of(const FileContent& file) {
    const std::string_view type = file.mime_type;
    if (type == "image/jpeg" || type == "image/png") return photo_if_small(file);
    if (type == "image/webp") return kind_of_webp(file);
    if (type == "image/gif") return MediaKind::animation;
    if (type == "video/mp4") return MediaKind::video;
    if (type == "audio/mpeg" || type == "audio/mp4" || type == "audio/x-m4a")
        return MediaKind::audio;
    if (is_opus_in_ogg(file.head)) return MediaKind::voice;
    return MediaKind::document;
}

std::string_view usual_extension(std::string_view mime_type) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 12> extensions{{
        {"image/jpeg", ".jpg"},
        {"image/png", ".png"},
        {"image/webp", ".webp"},
        {"image/gif", ".gif"},
        {"video/mp4", ".mp4"},
        {"audio/mpeg", ".mp3"},
        {"audio/mp4", ".m4a"},
        {"audio/x-m4a", ".m4a"},
        {"audio/ogg", ".ogg"},
        {"application/pdf", ".pdf"},
        {"application/zip", ".zip"},
        {"text/plain", ".txt"},
    }};
    const auto* found =
        std::ranges::find(extensions, mime_type, [](const auto& e) { return e.first; });
    return found == extensions.end() ? std::string_view{} : found->second;
}

}  // namespace prewarm::producer
