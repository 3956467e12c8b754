#include "sandbox/telegram/message_json.hpp"

#include <array>

#include <boost/json.hpp>

#include "sandbox/telegram/chats.hpp"

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;

struct Named {
    const FileRegister& files;
    const StoredFile& file;
    std::uint64_t number;
    std::int64_t bot_id;
};

void add_names(json::object& object, const Named& named, FilePart part, std::uint64_t bytes) {
    const auto names = named.files.names(named.number, part, named.bot_id);
    object["file_id"] = names.file_id;
    object["file_unique_id"] = names.file_unique_id;
    object["file_size"] = bytes;
}

/// Since Bot API 6.6 `thumbnail`; the old `thumb` is still written beside it.
void add_thumbnail(json::object& object, const Named& named) {
    if (named.file.thumbnail_bytes == 0) return;
    json::object thumbnail;
    add_names(thumbnail, named, FilePart::thumbnail, named.file.thumbnail_bytes);
    const bool is_upright = named.file.height > named.file.width;
    thumbnail["width"] = is_upright ? 180 : 320;
    thumbnail["height"] = is_upright ? 320 : 180;
    object["thumbnail"] = thumbnail;
    object["thumb"] = std::move(thumbnail);
}

std::uint64_t size_of(const StoredFile& file) {
    return file.converted_bytes > 0 ? file.converted_bytes : file.bytes;
}

void add_text(json::object& object, std::string_view key, const std::string& text) {
    if (!text.empty()) object[key] = text;
}

/// The sizes a photo of Telegram's largest, 1280 pixels, has, smallest first.
json::array photo_json(const Named& named) {
    struct Size {
        FilePart part;
        std::uint32_t width;
        std::uint32_t height;
    };
    constexpr std::array sizes{Size{FilePart::size_90, 90, 68}, Size{FilePart::size_320, 320, 240},
                               Size{FilePart::size_800, 800, 600},
                               Size{FilePart::whole, 1280, 960}};
    json::array photo;
    for (const auto& size : sizes) {
        // Recompressed: about a bit and a half per pixel, whatever the size of what was sent.
        json::object one;
        add_names(one, named, size.part, std::uint64_t{size.width} * size.height / 5);
        one["width"] = size.width;
        one["height"] = size.height;
        photo.push_back(std::move(one));
    }
    return photo;
}

json::object document_json(const Named& named) {
    json::object document;
    add_text(document, "file_name", named.file.file_name);
    add_text(document, "mime_type", named.file.mime_type);
    add_thumbnail(document, named);
    add_names(document, named, FilePart::whole, size_of(named.file));
    return document;
}

json::object moving_picture_json(const Named& named) {
    json::object object{{"duration", named.file.duration_seconds},
                        {"width", named.file.width},
                        {"height", named.file.height}};
    add_text(object, "file_name", named.file.file_name);
    add_text(object, "mime_type", named.file.mime_type);
    add_thumbnail(object, named);
    add_names(object, named, FilePart::whole, size_of(named.file));
    return object;
}

json::object audio_json(const Named& named) {
    json::object audio{{"duration", named.file.duration_seconds}};
    add_text(audio, "file_name", named.file.file_name);
    add_text(audio, "mime_type", named.file.mime_type);
    add_text(audio, "title", named.file.title);
    add_text(audio, "performer", named.file.performer);
    add_thumbnail(audio, named);
    add_names(audio, named, FilePart::whole, size_of(named.file));
    return audio;
}

json::object voice_json(const Named& named) {
    json::object voice{{"duration", named.file.duration_seconds}};
    add_text(voice, "mime_type", named.file.mime_type);
    add_names(voice, named, FilePart::whole, size_of(named.file));
    return voice;
}

json::object video_note_json(const Named& named) {
    json::object note{{"duration", named.file.duration_seconds}, {"length", named.file.width}};
    add_thumbnail(note, named);
    add_names(note, named, FilePart::whole, size_of(named.file));
    return note;
}

json::object sticker_json(const Named& named) {
    const bool is_animated = named.file.mime_type == "application/x-tgsticker";
    const bool is_video = named.file.mime_type == "video/webm";
    json::object sticker{{"width", named.file.width},
                         {"height", named.file.height},
                         {"is_animated", is_animated},
                         {"is_video", is_video},
                         {"type", "regular"}};
    add_thumbnail(sticker, named);
    add_names(sticker, named, FilePart::whole, size_of(named.file));
    return sticker;
}

}  // namespace

json::object as_json(const Bot& bot) {
    return {
        {"id", bot.id}, {"is_bot", true}, {"first_name", bot.username}, {"username", bot.username}};
}

json::object chat_json(std::int64_t chat_id) {
    const auto type = chat_type_of(chat_id);
    json::object chat{{"id", chat_id}};
    if (type == "private") {
        chat["first_name"] = "Sandbox";
    } else {
        chat["title"] = "Sandbox";
    }
    chat["type"] = type;
    return chat;
}

json::object message_json(const MessageHead& head) {
    json::object message{{"message_id", head.message_id}};
    if (chat_type_of(head.chat_id) == "channel") {
        message["sender_chat"] = chat_json(head.chat_id);
    } else {
        message["from"] = as_json(head.from);
    }
    message["chat"] = chat_json(head.chat_id);
    message["date"] = std::chrono::system_clock::to_time_t(head.date);
    return message;
}

void add_media(json::object& message, const FileRegister& files, std::uint64_t number,
               std::int64_t bot_id) {
    const auto* const file = files.file(number);
    if (file == nullptr) return;
    const Named named{files, *file, number, bot_id};
    const auto key = name_of(file->kind);
    switch (file->kind) {
        case MediaKind::photo:
            message[key] = photo_json(named);
            break;
        case MediaKind::video:
            message[key] = moving_picture_json(named);
            break;
        case MediaKind::animation:
            message[key] = moving_picture_json(named);
            message["document"] = document_json(named);
            break;
        case MediaKind::audio:
            message[key] = audio_json(named);
            break;
        case MediaKind::voice:
            message[key] = voice_json(named);
            break;
        case MediaKind::video_note:
            message[key] = video_note_json(named);
            break;
        case MediaKind::document:
            message[key] = document_json(named);
            break;
        case MediaKind::sticker:
            message[key] = sticker_json(named);
            break;
    }
}

}  // namespace prewarm::sandbox
