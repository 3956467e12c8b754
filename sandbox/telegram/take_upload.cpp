#include "sandbox/telegram/take_upload.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sandbox/telegram/drift.hpp"
#include "sandbox/telegram/file_name.hpp"
#include "sandbox/telegram/utf8.hpp"

namespace prewarm::sandbox {
namespace {

constexpr std::uint64_t largest_photo = 10ULL * 1024 * 1024;
constexpr std::uint64_t largest_thumbnail = 200ULL * 1024 - 1;
constexpr std::uint64_t largest_photo_by_url = 5'000'000;
constexpr std::uint64_t largest_video_note = 12ULL * 1024 * 1024;
constexpr std::int64_t longest_side = 10'000;
constexpr std::int64_t longest_duration = 86'400;
constexpr std::int64_t longest_video_note_side = 640;
constexpr std::uint64_t made_thumbnail_bytes = 7'421;  // Of the thumbnail that Telegram makes.

std::uint32_t clamped(const Form& form, std::string_view name, std::int64_t limit) {
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(form.number(name).value_or(0), 0, limit));
}

ApiResult<void> check_size(std::uint64_t bytes, std::uint64_t limit, std::string_view what) {
    if (bytes == 0) return bad_request("file must be non-empty");
    if (bytes <= limit) return {};
    return bad_request(
        fmt::format("file of size {} bytes is too big for a {}; the maximum size is {} bytes",
                    bytes, what, limit));
}

/// The thumbnail that came with the request. Only a new file can be one.
const SentFile* sent_thumbnail(const Form& form) {
    constexpr std::string_view attached = "attach://";
    for (const std::string_view field : {"thumbnail", "thumb"}) {
        const auto text = form.text(field);
        if (text.starts_with(attached)) return form.file(text.substr(attached.size()));
        if (const auto* file = form.file(field)) return file;
    }
    return nullptr;
}

bool has_thumbnail(MediaKind kind) {
    return kind != MediaKind::photo && kind != MediaKind::voice;
}

/// Those whose picture Telegram looks at to make a thumbnail of its own.
bool is_pictured(const StoredFile& file) {
    switch (file.kind) {
        case MediaKind::video:
        case MediaKind::animation:
        case MediaKind::video_note:
        case MediaKind::sticker:
            return true;
        case MediaKind::document:
            return file.mime_type.starts_with("image/") || file.mime_type.starts_with("video/");
        case MediaKind::photo:
        case MediaKind::audio:
        case MediaKind::voice:
            return false;
    }
    return false;
}

/// The MP4 that Telegram makes of a GIF: without sound, and of another size.
void convert(StoredFile& file) {
    file.file_name += ".mp4";
    file.mime_type = "video/mp4";
    file.converted_bytes = file.bytes / 2 + 1;
}

/// What Telegram makes of a file that it looks into.
void drift(const Form& form, const Content& content, StoredFile& file) {
    const auto asked = file.kind;
    const bool stays_document =
        asked == MediaKind::document && form.flag("disable_content_type_detection");
    if (!stays_document) file.kind = kind_of_upload(asked, {content, file.mime_type, file.bytes});
    if (file.kind == MediaKind::animation && content.format == Format::gif) convert(file);
    if (file.kind == asked && file.width > 0 && file.height > 0) return;
    file.width = content.width;
    file.height = content.height;
    if (file.duration_seconds == 0) file.duration_seconds = content.duration_seconds;
}

/// What Telegram finds out about a file it looks into. Where its bytes do not say it in an easy
/// place the sandbox invents it.
void analyse(StoredFile& file) {
    const bool moves = file.kind == MediaKind::video || file.kind == MediaKind::animation;
    const bool sounds = file.kind == MediaKind::audio || file.kind == MediaKind::voice ||
                        file.kind == MediaKind::video_note;
    if (moves && (file.width == 0 || file.height == 0)) {
        file.width = 640;
        file.height = 360;
    }
    if ((moves || sounds) && file.duration_seconds == 0) file.duration_seconds = 1;
    if (file.thumbnail_bytes == 0 && is_pictured(file)) file.thumbnail_bytes = made_thumbnail_bytes;
}

void declare(const Form& form, StoredFile& file) {
    file.duration_seconds = clamped(form, "duration", longest_duration);
    switch (file.kind) {
        case MediaKind::video:
        case MediaKind::animation:
            file.width = clamped(form, "width", longest_side);
            file.height = clamped(form, "height", longest_side);
            break;
        case MediaKind::video_note:
            file.width = clamped(form, "length", longest_video_note_side);
            if (file.width == 0) file.width = 384;
            file.height = file.width;
            break;
        case MediaKind::audio:
            file.title = form.text("title");
            file.performer = form.text("performer");
            break;
        case MediaKind::sticker:
            file.width = file.height = 512;
            break;
        case MediaKind::photo:
        case MediaKind::voice:
        case MediaKind::document:
            break;
    }
}

}  // namespace

ApiResult<StoredFile> take_upload(const Form& form, MediaKind kind, const SentFile& file,
                                  Looking looking) {
    const auto limit = kind == MediaKind::photo        ? largest_photo
                       : kind == MediaKind::video_note ? largest_video_note
                                                       : UINT64_MAX;
    const auto* const what = kind == MediaKind::photo ? "photo" : "video note";
    if (auto checked = check_size(file.bytes, limit, what); !checked)
        return std::unexpected{checked.error()};
    if (kind == MediaKind::video_note &&
        form.number("length").value_or(0) > longest_video_note_side)
        return bad_request("wrong video note length");

    for (const std::string_view name : {"title", "performer"}) {
        if (!is_utf8(form.text(name))) return bad_request("strings must be encoded in UTF-8");
    }

    auto type = file_type_of(cleaned_file_name(file.file_name), kind);
    StoredFile stored{.kind = kind,
                      .bytes = file.bytes,
                      .sha256 = file.sha256,
                      .file_name = std::move(type.file_name),
                      .mime_type = std::move(type.mime_type)};
    if (looking == Looking::on && kind == MediaKind::photo) {
        auto checked = check_photo({file.content, stored.mime_type, stored.bytes});
        if (!checked) return std::unexpected{checked.error()};
    }
    declare(form, stored);
    const auto* const thumbnail = has_thumbnail(kind) ? sent_thumbnail(form) : nullptr;
    if (thumbnail != nullptr) {
        auto checked = check_size(thumbnail->bytes, largest_thumbnail, "thumbnail");
        if (!checked) return std::unexpected{checked.error()};
        stored.thumbnail_bytes = thumbnail->bytes;
    }
    if (stored.bytes < analysed_bytes) {
        if (looking == Looking::on) drift(form, file.content, stored);
        analyse(stored);
    } else if (kind == MediaKind::video || kind == MediaKind::animation) {
        if (stored.width == 0 || stored.height == 0) stored.width = stored.height = 320;
    }
    return stored;
}

ApiResult<StoredFile> take_fetched(MediaKind kind, const FetchedFile& fetched) {
    const auto& file = fetched.file;
    if (kind == MediaKind::photo && file.bytes > largest_photo_by_url)
        return bad_request("failed to get HTTP URL content");
    const auto made = kind_of_fetched(kind, {file.content, fetched.mime_type, file.bytes});
    if (!made) return bad_request("wrong type of the web page content");
    StoredFile stored{.kind = *made,
                      .bytes = file.bytes,
                      .sha256 = file.sha256,
                      .file_name = cleaned_file_name(file.file_name),
                      .mime_type = fetched.mime_type,
                      .width = file.content.width,
                      .height = file.content.height,
                      .duration_seconds = file.content.duration_seconds};
    if (stored.kind == MediaKind::animation && file.content.format == Format::gif) convert(stored);
    if (stored.bytes < analysed_bytes) analyse(stored);
    return stored;
}

}  // namespace prewarm::sandbox
