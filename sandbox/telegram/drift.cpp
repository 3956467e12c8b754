#include "sandbox/telegram/drift.hpp"

#include <algorithm>
#include <array>

namespace prewarm::sandbox {
namespace {

constexpr std::uint64_t largest_sticker = 512ULL * 1024;
constexpr std::uint64_t largest_animated_sticker = 64ULL * 1024;
constexpr std::uint64_t largest_voice_by_url = 1'000'000;
constexpr std::uint32_t longest_video_note_side = 640;
constexpr std::uint32_t longest_video_note_seconds = 60;
constexpr std::uint64_t largest_sides_of_photo = 10'000;
constexpr std::uint64_t largest_ratio_of_photo = 20;

bool is_film(const Content& content) {
    return content.format == Format::mp4 && content.has_picture;
}

bool is_m4a(const Content& content) {
    return content.format == Format::mp4 && content.has_sound && !content.has_picture;
}

MediaKind kind_of_film(const Content& content) {
    return content.has_sound ? MediaKind::video : MediaKind::animation;
}

bool is_static_sticker(const Looked& file) {
    return file.content.format == Format::webp && file.bytes <= largest_sticker;
}

bool is_animated_sticker(const Looked& file) {
    return file.content.format == Format::gzip && file.mime_type == "application/x-tgsticker" &&
           file.bytes <= largest_animated_sticker;
}

/// Of sendAnimation, and of sendDocument, which looks for the same: both go by the file's
/// extension first, which nobody mends for them.
std::optional<MediaKind> kind_of_moving_picture(const Looked& file) {
    if (file.content.format == Format::gif && file.mime_type == "image/gif")
        return MediaKind::animation;
    if (is_film(file.content) && file.mime_type.starts_with("video/"))
        return kind_of_film(file.content);
    return std::nullopt;
}

MediaKind kind_of_document(const Looked& file) {
    if (const auto moving = kind_of_moving_picture(file)) return *moving;
    if (is_static_sticker(file) && file.mime_type == "image/webp") return MediaKind::sticker;
    if (is_animated_sticker(file)) return MediaKind::sticker;
    const bool is_music = file.content.format == Format::mp3 || is_m4a(file.content);
    if (is_music && file.mime_type.starts_with("audio/")) return MediaKind::audio;
    return MediaKind::document;
}

MediaKind kind_of_audio(const Content& content) {
    if (content.format == Format::opus) return MediaKind::voice;
    const bool is_music = content.format == Format::mp3 || content.format == Format::flac ||
                          content.format == Format::ogg || is_m4a(content);
    return is_music ? MediaKind::audio : MediaKind::document;
}

MediaKind kind_of_voice(const Content& content) {
    const bool is_speech =
        content.format == Format::opus || content.format == Format::mp3 || is_m4a(content);
    return is_speech ? MediaKind::voice : kind_of_audio(content);
}

MediaKind kind_of_video_note(const Content& content) {
    if (!is_film(content)) return MediaKind::document;
    const bool is_note = content.width == content.height &&
                         content.width <= longest_video_note_side &&
                         content.duration_seconds <= longest_video_note_seconds;
    return is_note ? MediaKind::video_note : MediaKind::video;
}

bool is_picture(Format format) {
    constexpr std::array pictures{Format::jpeg, Format::png, Format::gif,
                                  Format::webp, Format::bmp, Format::tiff};
    return std::ranges::find(pictures, format) != pictures.end();
}

}  // namespace

MediaKind kind_of_upload(MediaKind asked, const Looked& file) {
    switch (asked) {
        case MediaKind::photo:
            return MediaKind::photo;  // Of a GIF, the first frame.
        case MediaKind::video:
            // That it has no sound makes it no animation: this method says so to Telegram.
            return is_film(file.content) ? MediaKind::video : MediaKind::document;
        case MediaKind::animation:
            return kind_of_moving_picture(file).value_or(MediaKind::document);
        case MediaKind::audio:
            return kind_of_audio(file.content);
        case MediaKind::voice:
            return kind_of_voice(file.content);
        case MediaKind::video_note:
            return kind_of_video_note(file.content);
        case MediaKind::document:
            return kind_of_document(file);
        case MediaKind::sticker:
            // Video stickers stand in sets only.
            return is_static_sticker(file) || is_animated_sticker(file) ? MediaKind::sticker
                                                                        : MediaKind::document;
    }
    return asked;
}

std::optional<MediaKind> kind_of_fetched(MediaKind asked, const Looked& file) {
    const auto& type = file.mime_type;
    const auto& content = file.content;
    if (asked == MediaKind::photo) {
        const bool is_photo = type.starts_with("image/") && is_picture(content.format);
        return is_photo ? std::optional{MediaKind::photo} : std::nullopt;
    }
    if (asked == MediaKind::video_note) return std::nullopt;
    if (type == "image/gif" && content.format == Format::gif) return MediaKind::animation;
    if (type == "video/mp4" && is_film(content)) return kind_of_film(content);
    if (type == "image/webp" && is_static_sticker(file)) return MediaKind::sticker;
    if (type == "audio/ogg" && content.format == Format::opus)
        return file.bytes <= largest_voice_by_url ? MediaKind::voice : MediaKind::document;
    if (type == "audio/mpeg" || type == "audio/mp4") return kind_of_audio(content);
    if (type == "application/pdf" || type == "application/zip" || type.starts_with("image/"))
        return MediaKind::document;
    return std::nullopt;
}

ApiResult<void> check_photo(const Looked& file) {
    constexpr std::array<std::string_view, 5> types{"image/jpeg", "image/gif", "image/png",
                                                    "image/tiff", "image/bmp"};
    if (std::ranges::find(types, file.mime_type) == types.end())
        return bad_request(
            "photo has unsupported extension. Use one of .jpg, .jpeg, .gif, .png, .tif or .bmp");
    const auto& content = file.content;
    if (!is_picture(content.format)) return bad_request("IMAGE_PROCESS_FAILED");
    const auto [shorter, longer] =
        std::minmax({std::uint64_t{content.width}, std::uint64_t{content.height}});
    if (shorter + longer > largest_sides_of_photo || longer > shorter * largest_ratio_of_photo)
        return bad_request("PHOTO_INVALID_DIMENSIONS");
    return {};
}

}  // namespace prewarm::sandbox
