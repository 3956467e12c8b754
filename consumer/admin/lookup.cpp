#include <algorithm>
#include <chrono>
#include <optional>

#include <boost/json.hpp>

#include "common/log/log.hpp"
#include "consumer/admin/routes.hpp"

namespace prewarm::admin {
namespace {

namespace json = boost::json;

// When nobody knows better: about what a photo takes.
constexpr std::chrono::seconds usual_wait{1};

std::optional<MediaKey> media_named(std::string_view rest) {
    const auto first = rest.find('/');
    const auto second = rest.find('/', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
    const auto slug = rest.substr(0, first);
    const auto sha256 = sha256_from_hex(rest.substr(first + 1, second - first - 1));
    const auto kind = media_kind_named(rest.substr(second + 1));
    if (!is_bot_slug(slug) || !sha256 || !kind) return std::nullopt;
    return MediaKey{std::string{slug}, *sha256, *kind};
}

http::Response ready_answer(const ReadyMedia& ready) {
    return http::respond(
        200, "application/json",
        json::serialize(json::object{{"status", "ready"},
                                     {"file_id", ready.file_id},
                                     {"file_unique_id", ready.file_unique_id},
                                     {"actual_kind", name_of(ready.actual_kind)},
                                     {"weak", ready.weak},
                                     {"version", ready.version},
                                     {"bytes", ready.bytes},
                                     {"storage_chat_id", ready.storage_chat_id},
                                     {"storage_message_id", ready.storage_message_id}}));
}

http::Response warming_answer(const MediaRow& row) {
    std::chrono::seconds wait = usual_wait;
    if (row.next_retry_at) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(*row.next_retry_at -
                                                                  std::chrono::system_clock::now());
        wait = std::clamp<std::chrono::seconds>(left, usual_wait, std::chrono::hours{1});
    }
    auto response = http::respond(
        202, "application/json",
        json::serialize(json::object{{"status", "warming"}, {"code", "MEDIA_NOT_READY"}}));
    response.headers.emplace_back("Retry-After", std::to_string(wait.count()));
    return response;
}

}  // namespace

asio::awaitable<http::Response> look_up(const Parts& parts, std::string rest) {
    const auto media = media_named(rest);
    if (!media) {
        co_return error(400, "BAD_MEDIA_NAME",
                        "the path is /api/media/{bot_slug}/{sha256 in hex}/{kind}, with a kind of "
                        "photo, video, animation, audio, voice, video_note, document, sticker");
    }
    const auto row = co_await parts.store.find(*media);
    if (!row) {
        log::warn("lookup.failed", "the database did not answer a lookup",
                  {{"error", row.error().detail}});
        co_return error(503, "DATABASE_AWAY", "the database does not answer; try again");
    }
    parts.metrics.looked_up(*row && (*row)->ready ? "database" : "miss");
    if (!*row) co_return error(404, "UNKNOWN_MEDIA", "no upload event has named this media");
    switch ((*row)->status) {
        case MediaStatus::ready:
            co_return ready_answer(*(*row)->ready);
        case MediaStatus::warming:
            co_return warming_answer(**row);
        case MediaStatus::failed:
            break;
    }
    co_return http::respond(
        410, "application/json",
        json::serialize(
            json::object{{"status", "failed"},
                         {"error", {{"code", "MEDIA_FAILED"}, {"message", (*row)->last_error}}}}));
}

}  // namespace prewarm::admin
