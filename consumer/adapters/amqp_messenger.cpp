#include "consumer/adapters/amqp_messenger.hpp"

#include <utility>

#include <fmt/format.h>

#include "common/base/media.hpp"
#include "common/base/rfc3339.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

// A broker answers within milliseconds; this is for one that is just electing a leader.
constexpr auto confirm_time = 15s;

}  // namespace

AmqpMessenger::AmqpMessenger(amqp::Publisher& publisher, topology::Names names,
                             std::string instance)
    : publisher_{publisher}, names_{std::move(names)}, instance_{std::move(instance)} {}

Task<> AmqpMessenger::publish(std::string routing_key, std::string_view type, std::string body,
                              std::string event_id, std::string traceparent) {
    amqp::Message message;
    message.body = std::move(body);
    message.content_type = events::protobuf_content_type;
    message.type = type;
    message.message_id = std::move(event_id);
    message.app_id = "prewarm";
    message.timestamp =
        std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    if (!traceparent.empty()) message.headers.set("traceparent", std::move(traceparent));
    // Not mandatory: that nobody listens is no failure.
    co_return co_await publisher_.publish(names_.media_exchange, std::move(routing_key),
                                          std::move(message), amqp::Mandatory::no,
                                          deadline_in(confirm_time));
}

Task<> AmqpMessenger::announce(const Upload& upload, const ReadyMedia& ready, bool already_warm) {
    auto event_id = events::new_event_id();
    auto body =
        events::encode_ready(ready, already_warm, event_id, std::chrono::system_clock::now());
    auto key = topology::ready_key(ready.media.bot_slug, ready.media.kind);
    co_return co_await publish(std::move(key), events::ready_type, std::move(body),
                               std::move(event_id), upload.traceparent);
}

Task<> AmqpMessenger::announce_failed(events::FailedMedia failed, std::string traceparent) {
    auto event_id = events::new_event_id();
    auto body = events::encode_failed(failed, event_id, std::chrono::system_clock::now());
    const bool known =
        failed.kind_number >= 1 && failed.kind_number <= 8 && !failed.bot_slug.empty();
    // An event that could not be read names no media. Those who follow every failure still hear.
    auto key =
        known ? topology::failed_key(failed.bot_slug, static_cast<MediaKind>(failed.kind_number))
              : std::string{"media.failed.unknown.unknown"};
    co_return co_await publish(std::move(key), events::failed_type, std::move(body),
                               std::move(event_id), std::move(traceparent));
}

Task<> AmqpMessenger::dead_letter(amqp::Message message, warm::DeadLettered why,
                                  std::string first_seen) {
    auto& headers = message.headers;
    headers.set("x-prewarm-reason", name_of(why.reason));
    headers.set("x-prewarm-detail", std::move(why.detail));
    headers.set("x-prewarm-attempts", static_cast<std::int64_t>(why.attempts));
    // A letter that was replayed keeps the day it first came, and its replays.
    if (headers.find("x-prewarm-first-seen") == nullptr) {
        headers.set("x-prewarm-first-seen", std::move(first_seen));
    }
    headers.set("x-prewarm-failed-at", rfc3339(std::chrono::system_clock::now()));
    headers.set("x-prewarm-instance", instance_);
    headers.set("x-prewarm-replays", headers.integer("x-prewarm-replays").value_or(0));
    message.persistent = true;
    co_return co_await publisher_.publish(names_.dead_letter_exchange, names_.dead_letter_key,
                                          std::move(message), amqp::Mandatory::yes,
                                          deadline_in(confirm_time));
}

}  // namespace prewarm
