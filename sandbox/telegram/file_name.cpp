#include "sandbox/telegram/file_name.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/algorithm/string/case_conv.hpp>

#include "sandbox/telegram/utf8.hpp"

namespace prewarm::sandbox {
namespace {

constexpr std::size_t longest_stem = 64;
constexpr std::size_t longest_extension = 16;

constexpr std::array<std::pair<std::string_view, std::string_view>, 31> mime_types{{
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"png", "image/png"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"bmp", "image/bmp"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"svg", "image/svg+xml"},
    {"mp4", "video/mp4"},
    {"m4v", "video/x-m4v"},
    {"mov", "video/quicktime"},
    {"mkv", "video/x-matroska"},
    {"webm", "video/webm"},
    {"avi", "video/x-msvideo"},
    {"mp3", "audio/mpeg"},
    {"m4a", "audio/mp4"},
    {"ogg", "audio/ogg"},
    {"oga", "audio/ogg"},
    {"opus", "audio/ogg"},
    {"flac", "audio/x-flac"},
    {"wav", "audio/x-wav"},
    {"aac", "audio/aac"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"json", "application/json"},
    {"txt", "text/plain"},
    {"csv", "text/csv"},
    {"html", "text/html"},
    {"xml", "application/xml"},
    {"tgs", "application/x-tgsticker"},
}};

/// Where the character that begins before `limit` characters ends; UTF-8 is taken as valid.
std::size_t prefix_of_characters(std::string_view text, std::size_t limit) {
    std::size_t characters = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
        if (begins && characters++ == limit) return i;
    }
    return text.size();
}

bool is_kept(char c) {
    constexpr std::string_view dropped = "<>:\"/\\|?*&`";
    return static_cast<unsigned char>(c) >= 0x20U && c != 0x7F &&
           dropped.find(c) == std::string_view::npos;
}

std::string_view extension_of(std::string_view file_name) {
    const auto dot = file_name.rfind('.');
    return dot == std::string_view::npos ? std::string_view{} : file_name.substr(dot + 1);
}

std::string mime_type_of(std::string_view file_name) {
    const auto extension = boost::algorithm::to_lower_copy(std::string{extension_of(file_name)});
    const auto* const found = std::ranges::find(
        mime_types, extension, &std::pair<std::string_view, std::string_view>::first);
    return found == mime_types.end() ? std::string{} : std::string{found->second};
}

/// Gives `type` the extension and the MIME type that its kind needs, unless its own begins with
/// `fit`.
void coerce(FileType& type, std::string_view fit, std::string_view extension,
            std::string_view mime_type) {
    if (type.mime_type.starts_with(fit)) return;
    type.mime_type = mime_type;
    type.file_name += extension;
}

}  // namespace

std::string cleaned_file_name(std::string_view file_name) {
    if (!is_utf8(file_name)) return "file";
    const auto slash = file_name.rfind('/');
    if (slash != std::string_view::npos) file_name.remove_prefix(slash + 1);
    std::string cleaned;
    std::ranges::copy_if(file_name, std::back_inserter(cleaned), is_kept);

    const auto extension = extension_of(cleaned);
    const auto dot = cleaned.size() - extension.size() - (extension.empty() ? 0 : 1);
    const auto stem = std::string_view{cleaned}.substr(0, dot);
    auto result = std::string{stem.substr(0, prefix_of_characters(stem, longest_stem))};
    if (!extension.empty())
        result += '.' + std::string{extension.substr(
                            0, prefix_of_characters(extension, longest_extension))};
    return result.empty() ? "file" : result;
}

FileType file_type_of(std::string file_name, MediaKind kind) {
    FileType type{.file_name = std::move(file_name), .mime_type = {}};
    type.mime_type = mime_type_of(type.file_name);
    switch (kind) {
        case MediaKind::photo:
            coerce(type, "image/", ".jpg", "image/jpeg");
            break;
        case MediaKind::video:
            coerce(type, "video/", ".mp4", "video/mp4");
            break;
        case MediaKind::audio:
            coerce(type, "audio/", ".mp3", "audio/mpeg");
            break;
        case MediaKind::voice:
            coerce(type, "audio/ogg", ".oga", "audio/ogg");
            break;
        case MediaKind::video_note:
            coerce(type, "video/mp4", ".mp4", "video/mp4");
            break;
        case MediaKind::sticker:
            if (type.mime_type != "application/x-tgsticker" && type.mime_type != "video/webm")
                coerce(type, "image/webp", ".webp", "image/webp");
            break;
        case MediaKind::animation:
        case MediaKind::document:
            break;
    }
    return type;
}

}  // namespace prewarm::sandbox
