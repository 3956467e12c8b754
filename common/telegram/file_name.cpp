#include "common/telegram/file_name.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace prewarm::telegram {
namespace {

// The server keeps 64 characters of a stem and 16 of an extension.
constexpr std::size_t most_stem_characters = 60;
constexpr std::size_t most_extension_bytes = 16;

struct MimeExtension {
    std::string_view mime_type;
    std::string_view extension;
};

constexpr std::array mime_extensions{
    MimeExtension{"image/jpeg", "jpg"},
    MimeExtension{"image/png", "png"},
    MimeExtension{"image/gif", "gif"},
    MimeExtension{"image/webp", "webp"},
    MimeExtension{"image/bmp", "bmp"},
    MimeExtension{"image/tiff", "tif"},
    MimeExtension{"video/mp4", "mp4"},
    MimeExtension{"video/quicktime", "mov"},
    MimeExtension{"video/webm", "webm"},
    MimeExtension{"video/x-matroska", "mkv"},
    MimeExtension{"audio/mpeg", "mp3"},
    MimeExtension{"audio/mp4", "m4a"},
    MimeExtension{"audio/x-m4a", "m4a"},
    MimeExtension{"audio/ogg", "ogg"},
    MimeExtension{"audio/flac", "flac"},
    MimeExtension{"audio/x-flac", "flac"},
    MimeExtension{"audio/wav", "wav"},
    MimeExtension{"audio/x-wav", "wav"},
    MimeExtension{"application/pdf", "pdf"},
    MimeExtension{"application/zip", "zip"},
    MimeExtension{"application/json", "json"},
    MimeExtension{"application/gzip", "gz"},
    MimeExtension{"application/x-tgsticker", "tgs"},
    MimeExtension{"text/plain", "txt"},
    MimeExtension{"text/html", "html"},
    MimeExtension{"text/csv", "csv"},
};

/// Those that let a file of this kind come back as that kind; the first where nothing else is
/// known. A document may have any.
std::span<const std::string_view> extensions_of(MediaKind kind) {
    static constexpr std::array<std::string_view, 7> photo{"jpg", "jpeg", "png", "gif",
                                                           "tif", "tiff", "bmp"};
    static constexpr std::array<std::string_view, 8> video{"mp4", "m4v", "mov", "webm",
                                                           "mkv", "avi", "mpg", "3gp"};
    static constexpr std::array<std::string_view, 2> animation{"mp4", "gif"};
    static constexpr std::array<std::string_view, 8> audio{"mp3", "m4a",  "aac", "flac",
                                                           "ogg", "opus", "oga", "wav"};
    static constexpr std::array<std::string_view, 5> voice{"ogg", "oga", "opus", "mp3", "m4a"};
    static constexpr std::array<std::string_view, 1> video_note{"mp4"};
    static constexpr std::array<std::string_view, 3> sticker{"webp", "tgs", "webm"};
    switch (kind) {
        case MediaKind::photo:
            return photo;
        case MediaKind::video:
            return video;
        case MediaKind::animation:
            return animation;
        case MediaKind::audio:
            return audio;
        case MediaKind::voice:
            return voice;
        case MediaKind::video_note:
            return video_note;
        case MediaKind::sticker:
            return sticker;
        case MediaKind::document:
            return {};
    }
    return {};
}

std::string lower_case(std::string_view text) {
    std::string lower{text};
    for (auto& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

std::string_view extension_of(std::string_view name) {
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return {};
    const auto extension = name.substr(dot + 1);
    return extension.size() <= most_extension_bytes ? extension : std::string_view{};
}

/// How long the UTF-8 character at the start of `text` is; 0 if that is none.
std::size_t character_size(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const auto lead = byte(0);
    std::size_t size = 0;
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) size = 2;
    if (lead >= 0xE0 && lead <= 0xEF) size = 3;
    if (lead >= 0xF0 && lead <= 0xF4) size = 4;
    if (size == 0 || size > text.size()) return 0;
    for (std::size_t at = 1; at < size; ++at) {
        if ((byte(at) & 0xC0U) != 0x80) return 0;
    }
    // Longer than need be, a surrogate, or beyond Unicode.
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;
    return size;
}

/// The first characters of `text`, with `_` for what is none or controls.
std::string clean(std::string_view text, std::size_t most_characters) {
    std::string cleaned;
    for (std::size_t count = 0; !text.empty() && count < most_characters; ++count) {
        const auto size = character_size(text);
        const bool is_kept = size > 1 || (size == 1 && text[0] >= ' ' && text[0] != '\x7f');
        cleaned += is_kept ? text.substr(0, size) : "_";
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return cleaned;
}

}  // namespace

std::string file_name_for(MediaKind kind, std::string_view wished, std::string_view mime_type) {
    const auto name = wished.substr(wished.rfind('/') + 1);  // npos + 1 is 0.
    const auto fitting = extensions_of(kind);
    const auto fits = [&](std::string_view extension) {
        return !extension.empty() &&
               (fitting.empty() || std::ranges::find(fitting, extension) != fitting.end());
    };
    const auto had = extension_of(name);
    auto stem = name;
    auto extension = lower_case(had);
    if (fits(extension)) {
        stem.remove_suffix(had.size() + 1);
    } else {
        const auto type = lower_case(mime_type.substr(0, mime_type.find(';')));
        const auto known = std::ranges::find(mime_extensions, type, &MimeExtension::mime_type);
        extension = known != mime_extensions.end() ? known->extension : "";
        if (!fits(extension)) extension = fitting.empty() ? "" : fitting.front();
    }
    auto whole = clean(stem, most_stem_characters);
    if (whole.empty()) whole = name_of(kind);
    if (!extension.empty()) whole += '.' + clean(extension, most_extension_bytes);
    return whole;
}

}  // namespace prewarm::telegram
