#include "common/telegram/form.hpp"

#include <algorithm>
#include <chrono>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace prewarm::telegram {
namespace {

void add(http::Multipart& parts, std::string name, std::string value) {
    parts.push_back({.name = std::move(name), .content = std::move(value)});
}

http::Multipart silently_to(std::int64_t chat_id) {
    http::Multipart parts;
    add(parts, "chat_id", std::to_string(chat_id));
    add(parts, "disable_notification", "true");
    return parts;
}

/// Zero means that it is not known.
void add_number(http::Multipart& parts, std::string name, std::int64_t number) {
    if (number > 0) add(parts, std::move(name), std::to_string(number));
}

void add_text(http::Multipart& parts, std::string name, const std::string& text) {
    if (!text.empty()) add(parts, std::move(name), text);
}

/// The server takes whole seconds, and 0 for unknown.
std::int64_t whole_seconds(std::chrono::milliseconds duration) {
    if (duration.count() <= 0) return 0;
    return std::max<std::int64_t>(1, std::chrono::round<std::chrono::seconds>(duration).count());
}

void add_attributes(http::Multipart& parts, MediaKind kind, const MediaAttributes& attributes) {
    const auto duration = whole_seconds(attributes.duration);
    switch (kind) {
        case MediaKind::video:
            if (attributes.supports_streaming) add(parts, "supports_streaming", "true");
            [[fallthrough]];
        case MediaKind::animation:
            add_number(parts, "width", attributes.width);
            add_number(parts, "height", attributes.height);
            add_number(parts, "duration", duration);
            break;
        case MediaKind::video_note:
            add_number(parts, "length", attributes.width);
            add_number(parts, "duration", duration);
            break;
        case MediaKind::audio:
            add_text(parts, "title", attributes.title);
            add_text(parts, "performer", attributes.performer);
            add_number(parts, "duration", duration);
            break;
        case MediaKind::voice:
            add_number(parts, "duration", duration);
            break;
        case MediaKind::document:
            // Or an MP4 comes back as a video, a WEBP as a sticker.
            add(parts, "disable_content_type_detection", "true");
            break;
        case MediaKind::photo:
        case MediaKind::sticker:
            break;
    }
}

/// The server percent-decodes it.
std::string with_percent_encoded(std::string_view name) {
    std::string encoded;
    for (const char c : name) {
        if (c == '%') {
            encoded += "%25";
        } else {
            encoded += c;
        }
    }
    return encoded;
}

}  // namespace

std::string send_method(MediaKind kind) {
    // sendPhoto, sendVideoNote
    std::string method{"send"};
    bool starts_word = true;
    for (const char c : name_of(kind)) {
        if (c == '_') {
            starts_word = true;
            continue;
        }
        method += starts_word ? static_cast<char>(c - 'a' + 'A') : c;
        starts_word = false;
    }
    return method;
}

bool takes_thumbnail(MediaKind kind) {
    switch (kind) {
        case MediaKind::video:
        case MediaKind::animation:
        case MediaKind::audio:
        case MediaKind::video_note:
        case MediaKind::document:
            return true;
        case MediaKind::photo:
        case MediaKind::voice:
        case MediaKind::sticker:
            return false;
    }
    return false;
}

http::Multipart form_by_url(MediaKind kind, std::int64_t chat_id, const Secret& url) {
    auto parts = silently_to(chat_id);
    add(parts, std::string{name_of(kind)}, url.reveal());
    return parts;
}

http::Multipart forward_form(std::int64_t from_chat_id, std::int64_t message_id,
                             std::int64_t chat_id) {
    auto parts = silently_to(chat_id);
    add(parts, "from_chat_id", std::to_string(from_chat_id));
    add(parts, "message_id", std::to_string(message_id));
    return parts;
}

http::Multipart form_of(OutgoingMedia media) {
    auto parts = silently_to(media.chat_id);
    add_attributes(parts, media.kind, media.attributes);
    if (!media.thumbnail.empty() && takes_thumbnail(media.kind)) {
        parts.push_back({.name = "thumbnail",
                         .content = std::move(media.thumbnail),
                         .file_name = "thumbnail.jpg"});
    }
    parts.push_back({.name = std::string{name_of(media.kind)},
                     .content = std::move(media.content),
                     .file_name = with_percent_encoded(media.file_name)});
    return parts;
}

http::Multipart form_of_album(std::vector<OutgoingMedia> photos) {
    const auto name_of_file = [](std::size_t index) { return fmt::format("file{}", index); };
    boost::json::array media;
    for (std::size_t i = 0; i < photos.size(); ++i) {
        media.push_back(
            {{"type", name_of(photos[i].kind)}, {"media", "attach://" + name_of_file(i)}});
    }
    http::Multipart parts;
    add(parts, "chat_id", std::to_string(photos.front().chat_id));
    add(parts, "disable_notification", "true");
    add(parts, "media", boost::json::serialize(media));
    for (std::size_t i = 0; i < photos.size(); ++i) {
        parts.push_back({.name = name_of_file(i),
                         .content = std::move(photos[i].content),
                         .file_name = with_percent_encoded(photos[i].file_name)});
    }
    return parts;
}

}  // namespace prewarm::telegram
