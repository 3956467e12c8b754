#include "producer/dead_letters/dead_letter.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/events/upload_event.hpp"
#include "producer/time_arguments.hpp"

namespace prewarm::producer {
namespace {

using std::chrono::system_clock;

constexpr std::string_view own_headers = "x-prewarm-";
constexpr std::string_view first_seen = "x-prewarm-first-seen";
constexpr std::string_view replays = "x-prewarm-replays";

/// What RabbitMQ notes of a message that it dead-letters, the newest first.
struct BrokersNote {
    std::string reason;
    std::string queue;
    std::optional<system_clock::time_point> at;
};

std::optional<BrokersNote> newest_note(const amqp::FieldTable& headers) {
    const auto* deaths = headers.find("x-death");
    const auto* list = deaths ? std::get_if<amqp::FieldArray>(&deaths->kind) : nullptr;
    const auto* newest =
        list && !list->empty() ? std::get_if<amqp::FieldTable>(&list->front().kind) : nullptr;
    if (newest == nullptr) return std::nullopt;
    BrokersNote note{.reason = newest->text("reason").value_or("UNKNOWN"),
                     .queue = newest->text("queue").value_or(""),
                     .at = std::nullopt};
    if (const auto* time = newest->find("time")) {
        if (const auto* stamp = std::get_if<amqp::Timestamp>(&time->kind)) {
            constexpr std::uint64_t year_2262 = 9'223'372'036;  // The clock's end.
            note.at =
                system_clock::time_point{std::chrono::seconds{std::min(stamp->seconds, year_2262)}};
        }
    }
    return note;
}

void read_death(const amqp::Message& message, DeadLetter& letter) {
    const auto& headers = message.headers;
    const auto reason = headers.text("x-prewarm-reason");
    if (const auto at = headers.text("x-prewarm-failed-at")) letter.died_at = parse_time(*at);
    const auto note = newest_note(headers);
    // The service's word, unless the letter died again since, without the service.
    if (reason && !(note && note->at && letter.died_at && *note->at > *letter.died_at)) {
        letter.reason = *reason;
        letter.detail = headers.text("x-prewarm-detail").value_or("");
    } else if (note) {
        letter.reason = note->reason;
        letter.detail = fmt::format("dead-lettered by RabbitMQ from the queue {}", note->queue);
        letter.died_at = note->at;
    } else {
        letter.reason = "UNKNOWN";
        letter.detail = "no header says why";
    }
    if (!letter.died_at && message.timestamp) letter.died_at = *message.timestamp;
}

std::string kind_name(int number) {
    if (number < 1 || number > static_cast<int>(all_media_kinds.size())) return {};
    return std::string{name_of(static_cast<MediaKind>(number))};
}

void read_event(const amqp::Message& message, DeadLetter& letter) {
    const auto upload = events::decode_upload(message.body, message.content_type);
    if (upload) {
        letter.event_id = upload->event_id;
        letter.bot_slug = upload->media.bot_slug;
        letter.kind = name_of(upload->media.kind);
        letter.sha256 = upload->media.sha256.hex();
        letter.media_bytes = upload->bytes;
        return;
    }
    const auto& bad = upload.error();
    letter.event_id = bad.event_id;
    letter.bot_slug = bad.bot_slug;
    letter.kind = kind_name(bad.kind_number);
    if (const auto sha256 = sha256_from_bytes(bad.sha256_bytes)) letter.sha256 = sha256->hex();
}

/// The lengths tell where each part ends.
std::string id_of(const amqp::Message& message, const DeadLetter& letter) {
    const auto failed_at = message.headers.text("x-prewarm-failed-at").value_or("");
    const auto died_at = letter.died_at ? letter.died_at->time_since_epoch().count() : 0;
    const auto text = fmt::format(
        "{}:{}{}:{}{}:{}{}:{}{}:{}{} {} {} {}", message.message_id.size(), message.message_id,
        message.content_type.size(), message.content_type, letter.reason.size(), letter.reason,
        letter.detail.size(), letter.detail, failed_at.size(), failed_at, died_at, letter.replays,
        letter.message_bytes, sha256_of(message.body).hex());
    return sha256_of(text).hex().substr(0, 16);
}

/// Of the broker, for the queue it handed the message out from or dead-lettered it from.
bool is_brokers(std::string_view name) {
    return name == "x-death" || name.starts_with("x-first-death-") ||
           name.starts_with("x-last-death-") || name == "x-delivery-count" ||
           name == "x-acquired-count";
}

}  // namespace

DeadLetter read_dead_letter(const amqp::Delivery& delivery) {
    const auto& message = delivery.message;
    DeadLetter letter;
    letter.message_bytes = delivery.body_bytes;
    letter.handed_out = delivery.delivery_count();
    letter.oversized = delivery.oversized;
    letter.message_id = message.message_id;
    letter.attempts = message.headers.integer("x-prewarm-attempts").value_or(0);
    letter.replays = message.headers.integer(replays).value_or(0);
    read_death(message, letter);
    if (letter.oversized) {
        letter.detail = "too large to be looked into";
    } else {
        read_event(message, letter);
    }
    letter.id = id_of(message, letter);
    return letter;
}

amqp::Message to_replay(amqp::Message message) {
    const auto so_far = message.headers.integer(replays).value_or(0);
    std::erase_if(message.headers.fields, [](const amqp::Field& field) {
        return is_brokers(field.name) ||
               (field.name.starts_with(own_headers) && field.name != first_seen);
    });
    message.headers.set(replays, so_far + 1);
    message.persistent = true;
    return message;
}

}  // namespace prewarm::producer
