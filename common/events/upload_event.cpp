#include "common/events/upload_event.hpp"

#include <algorithm>
#include <optional>
#include <ranges>

#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include "common/base/text.hpp"
#include "common/events/proto_values.hpp"
#include "prewarm/v1/events.pb.h"

namespace prewarm::events {
namespace {

namespace pb = google::protobuf;

// Longer ones come from no honest uploader, and rows and logs have to hold them.
constexpr std::size_t max_text_bytes = 1024;
constexpr std::size_t max_event_id_bytes = 255;  // It becomes an AMQP message-id, a short string.
constexpr int max_cache_entries = 1000;

std::string_view essence(std::string_view content_type) {
    content_type = content_type.substr(0, content_type.find(';'));
    while (!content_type.empty() && content_type.back() == ' ')
        content_type.remove_suffix(1);
    return content_type;
}

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// What is wrong with an object key; nothing if it is fine.
std::optional<std::string> wrong_with_key(std::string_view field, std::string_view key) {
    if (key.size() > max_text_bytes) {
        return fmt::format("{} is {} bytes long; at most {} are allowed", field, key.size(),
                           max_text_bytes);
    }
    if (has_control_character(key)) return fmt::format("{} holds a control character", field);
    for (const auto segment : std::views::split(key, '/')) {
        if (std::string_view{segment.begin(), segment.end()} == "..") {
            return fmt::format("{} holds a `..` segment", field);
        }
    }
    return std::nullopt;
}

std::optional<std::string> wrong_with_text(std::string_view field, std::string_view text) {
    if (text.size() > max_text_bytes) {
        return fmt::format("{} is {} bytes long; at most {} are allowed", field, text.size(),
                           max_text_bytes);
    }
    if (has_control_character(text)) return fmt::format("{} holds a control character", field);
    return std::nullopt;
}

template <class List>
std::optional<std::string> wrong_with_list(std::string_view field, const List& list) {
    if (list.size() > max_cache_entries) {
        return fmt::format("{} has {} entries; at most {} are allowed", field, list.size(),
                           max_cache_entries);
    }
    for (const auto& entry : list) {
        if (entry.empty() || entry.size() > max_text_bytes) {
            return fmt::format("an entry of {} is {} bytes long; 1 to {} are allowed", field,
                               entry.size(), max_text_bytes);
        }
    }
    return std::nullopt;
}

std::optional<std::string> wrong_with(const v1::MediaUploaded& event) {
    if (event.event_id().empty()) return "event_id is missing";
    if (!is_bot_slug(event.bot_slug())) {
        return "bot_slug does not match ^[a-z0-9][a-z0-9_-]{0,63}$";
    }
    if (event.sha256().size() != 32) {
        return fmt::format(
            "sha256 is {} bytes long, not 32 (in JSON it is the base64 of the 32 raw bytes, not "
            "hex)",
            event.sha256().size());
    }
    if (event.kind() < v1::PHOTO || event.kind() > v1::STICKER) {
        return fmt::format("kind {} is none of the eight media kinds",
                           static_cast<int>(event.kind()));
    }
    if (event.r2_key().empty()) return "r2_key is missing";
    if (auto wrong = wrong_with_key("r2_key", event.r2_key())) return wrong;
    const auto& attributes = event.attributes();
    if (auto wrong = wrong_with_key("thumbnail_r2_key", attributes.thumbnail_r2_key()))
        return wrong;
    const std::pair<std::string_view, const std::string*> texts[]{
        {"event_id", &event.event_id()},   {"r2_bucket", &event.r2_bucket()},
        {"mime_type", &event.mime_type()}, {"file_name", &event.file_name()},
        {"title", &attributes.title()},    {"performer", &attributes.performer()},
    };
    for (const auto& [field, text] : texts) {
        if (auto wrong = wrong_with_text(field, *text)) return wrong;
    }
    if (event.event_id().size() > max_event_id_bytes) {
        return fmt::format("event_id has {} bytes; at most {} are allowed", event.event_id().size(),
                           max_event_id_bytes);
    }
    if (auto wrong = wrong_with_list("cache_keys", event.cache_keys())) return wrong;
    if (auto wrong = wrong_with_list("cache_tags", event.cache_tags())) return wrong;
    const auto& duration = attributes.duration();
    if (duration.seconds() < 0 || duration.nanos() < 0 || duration.nanos() > 999'999'999 ||
        duration.seconds() > pb::util::TimeUtil::kDurationMaxSeconds) {
        return "attributes.duration is not a positive duration";
    }
    return std::nullopt;
}

BadEvent bad(FailureReason reason, std::string_view detail, const v1::MediaUploaded& event) {
    return {.reason = reason,
            .detail = printable(detail),
            .event_id = event.event_id(),
            .bot_slug = event.bot_slug(),
            .sha256_bytes = event.sha256(),
            .kind_number = static_cast<int>(event.kind())};
}

/// What could not be read about the body; nothing if it could.
std::optional<std::string> parse(std::string_view body, std::string_view content_type,
                                 v1::MediaUploaded& event) {
    const auto type = essence(content_type);
    if (body.size() > max_event_bytes) {
        return fmt::format("the event is {} bytes long; at most {} are allowed", body.size(),
                           max_event_bytes);
    }
    if (body.empty()) return "the body is empty";
    if (type == json_content_type || (type.empty() && body.front() == '{')) {
        pb::util::JsonParseOptions options;
        options.ignore_unknown_fields = true;
        const auto status = pb::util::JsonStringToMessage(pb::StringPiece{body.data(), body.size()},
                                                          &event, options);
        if (!status.ok()) {
            return fmt::format(
                "not the JSON of a {}: {}", upload_type,
                std::string_view{status.message().data(), status.message().size()}.substr(0, 300));
        }
        return std::nullopt;
    }
    if (!type.empty() && type != protobuf_content_type) {
        return fmt::format("content-type `{}` is neither {} nor {}", type.substr(0, 100),
                           protobuf_content_type, json_content_type);
    }
    if (!event.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
        return fmt::format("the {} bytes are not the protobuf of a {}", body.size(), upload_type);
    }
    return std::nullopt;
}

}  // namespace

std::expected<Upload, BadEvent> decode_upload(std::string_view body,
                                              std::string_view content_type) {
    v1::MediaUploaded event;
    if (auto wrong = parse(body, content_type, event)) {
        return std::unexpected{bad(FailureReason::undecodable, *wrong, event)};
    }
    if (auto wrong = wrong_with(event)) {
        return std::unexpected{bad(FailureReason::invalid_event, *wrong, event)};
    }
    Upload upload;
    upload.event_id = event.event_id();
    upload.occurred_at = time_point_of(event.occurred_at());
    upload.media = {.bot_slug = event.bot_slug(),
                    .sha256 = *sha256_from_bytes(event.sha256()),
                    .kind = static_cast<MediaKind>(event.kind())};
    upload.r2_bucket = event.r2_bucket();
    upload.r2_key = event.r2_key();
    upload.bytes = event.bytes();
    upload.mime_type = event.mime_type();
    upload.file_name = event.file_name();
    upload.warmup_chat_id = event.warmup_chat_id();
    upload.cache_keys.assign(event.cache_keys().begin(), event.cache_keys().end());
    upload.cache_tags.assign(event.cache_tags().begin(), event.cache_tags().end());
    const auto& attributes = event.attributes();
    upload.attributes = {
        .width = attributes.width(),
        .height = attributes.height(),
        .duration = std::chrono::milliseconds{pb::util::TimeUtil::DurationToMilliseconds(
            attributes.duration())},
        .title = attributes.title(),
        .performer = attributes.performer(),
        .supports_streaming = attributes.supports_streaming(),
        .thumbnail_r2_key = attributes.thumbnail_r2_key(),
    };
    return upload;
}

namespace {

v1::MediaUploaded message_of(const Upload& upload) {
    v1::MediaUploaded event;
    event.set_event_id(upload.event_id);
    *event.mutable_occurred_at() = timestamp_of(upload.occurred_at);
    event.set_bot_slug(upload.media.bot_slug);
    event.set_sha256(bytes_of(upload.media.sha256));
    event.set_kind(static_cast<v1::MediaKind>(upload.media.kind));
    event.set_r2_bucket(upload.r2_bucket);
    event.set_r2_key(upload.r2_key);
    event.set_bytes(upload.bytes);
    event.set_mime_type(upload.mime_type);
    event.set_file_name(upload.file_name);
    event.set_warmup_chat_id(upload.warmup_chat_id);
    event.mutable_cache_keys()->Assign(upload.cache_keys.begin(), upload.cache_keys.end());
    event.mutable_cache_tags()->Assign(upload.cache_tags.begin(), upload.cache_tags.end());
    const auto& given = upload.attributes;
    if (given == MediaAttributes{}) return event;
    auto& attributes = *event.mutable_attributes();
    attributes.set_width(given.width);
    attributes.set_height(given.height);
    if (given.duration.count() > 0) {
        *attributes.mutable_duration() =
            pb::util::TimeUtil::MillisecondsToDuration(given.duration.count());
    }
    attributes.set_title(given.title);
    attributes.set_performer(given.performer);
    attributes.set_supports_streaming(given.supports_streaming);
    attributes.set_thumbnail_r2_key(given.thumbnail_r2_key);
    return event;
}

}  // namespace

std::string encode_upload(const Upload& upload) {
    return message_of(upload).SerializeAsString();
}

std::string upload_as_json(const Upload& upload) {
    return as_json(message_of(upload));
}

std::uint8_t priority_of(const Upload& upload) {
    constexpr std::uint64_t small_bytes = 100'000;
    constexpr std::uint64_t large_bytes = 10'000'000;
    const bool quick_kind =
        upload.media.kind == MediaKind::photo || upload.media.kind == MediaKind::sticker;
    if (upload.bytes > large_bytes) return 1;
    if (upload.bytes != 0 && upload.bytes < small_bytes) return quick_kind ? 9 : 7;
    return quick_kind ? 6 : 4;
}

std::string new_event_id() {
    static thread_local boost::uuids::random_generator generate;
    return to_string(generate());
}

}  // namespace prewarm::events
