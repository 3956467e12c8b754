#include "consumer/adapters/route_courier.hpp"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "common/log/log.hpp"
#include "common/runtime/deadline.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto time_limit = 3min;
constexpr std::size_t most_closed_ways = 10'000;
// What came of a URL, a failure too, Telegram remembers for a few days.
constexpr auto url_stays_closed = 72h;
constexpr auto forward_stays_closed = 10min;
// Telegram may come back for it.
constexpr auto url_lifetime = 1h;

/// Another way may work where this one was refused. A chat that refuses a forward may be the one
/// that it comes from.
bool closes_the_way(Route route, const Failure& failure) {
    if (failure.kind == FailureKind::chat_refused)
        return route == Route::forward && !failure.chat_is_now;
    return failure.kind == FailureKind::refused || failure.kind == FailureKind::too_large;
}

std::string_view bucket_of(const Upload& upload, std::string_view usual) {
    return upload.r2_bucket.empty() ? usual : std::string_view{upload.r2_bucket};
}

/// Names a way, over all that are tried.
std::string way(Route route, const Upload& upload, std::string_view bucket) {
    if (route == Route::url)
        return fmt::format("url {}/{} {}", bucket, upload.r2_key, upload.media.sha256.hex());
    return fmt::format("{} {} {} {}", name_of(route), upload.media.bot_slug,
                       upload.media.sha256.hex(), name_of(upload.media.kind));
}

}  // namespace

RouteCourier::RouteCourier(warm::Courier& streaming, http::Client& telegram, RouteOptions options)
    : streaming_{streaming},
      options_{std::move(options)},
      bots_{telegram, options_.telegram_api_url},
      closed_{most_closed_ways} {}

Task<Sent> RouteCourier::carry(const Upload& upload, const warm::Errand& errand) {
    const auto original = co_await original_of(upload, errand);
    const auto routes = plan_routes(facts_of(upload, errand, original.has_value()));
    if (!routes) co_return routes.error();
    const auto& choice = routes->front();
    const bool has_choice = options_.forwards || options_.url_mode != UrlMode::off;
    log::write(has_choice ? log::Level::info : log::Level::debug, "courier.route",
               "how an object goes to Telegram",
               {{"bot_slug", upload.media.bot_slug},
                {"sha256", upload.media.sha256.hex()},
                {"kind", name_of(upload.media.kind)},
                {"route", name_of(choice.route)},
                {"why", choice.why}});
    switch (choice.route) {
        case Route::forward:
            co_return co_await forward(upload, errand, *original);
        case Route::url:
            co_return co_await let_fetch(upload, errand);
        case Route::multipart:
            break;
    }
    co_return co_await streaming_.carry(upload, errand);
}

// The database being away is no reason not to upload.
asio::awaitable<std::optional<StoredMessage>> RouteCourier::original_of(
    const Upload& upload, const warm::Errand& errand) const {
    if (!options_.forwards || errand.insists || errand.turn.album) co_return std::nullopt;
    auto found = co_await options_.message_of_another_bot(upload);
    co_return found ? *found : std::nullopt;
}

RouteFacts RouteCourier::facts_of(const Upload& upload, const warm::Errand& errand,
                                  bool stands) const {
    const auto now = steady_clock::now();
    const auto bucket = bucket_of(upload, options_.r2_bucket);
    const auto& told = upload.attributes;
    return {
        .kind = upload.media.kind,
        .bytes = upload.bytes,
        .mime_type = upload.mime_type,
        .has_attributes = told.width != 0 || told.height != 0 || told.duration.count() != 0 ||
                          !told.title.empty() || !told.performer.empty() ||
                          !told.thumbnail_r2_key.empty(),
        .server = options_.telegram_server,
        .url_mode = options_.url_mode,
        .url_has_failed = closed_.is_closed(way(Route::url, upload, bucket), now),
        .has_address = options_.url_mode != UrlMode::public_address || bucket == options_.r2_bucket,
        .stands_with_another_bot = stands,
        .forwards = options_.forwards,
        .forward_has_failed = closed_.is_closed(way(Route::forward, upload, bucket), now),
        .has_album_turn = errand.turn.album.has_value(),
        .insists = errand.insists};
}

Secret RouteCourier::url_of(const Upload& upload) {
    if (options_.url_mode == UrlMode::public_address) {
        // Telegram remembers what it once got from an address, for days: another content of the
        // same key, or another try, has another address.
        return Secret{fmt::format("{}/{}?sha256={}&event={}", options_.public_base_url,
                                  s3::uri_encode(upload.r2_key, true), upload.media.sha256.hex(),
                                  s3::uri_encode(upload.event_id, false))};
    }
    const s3::ObjectName object{std::string{bucket_of(upload, options_.r2_bucket)}, upload.r2_key};
    return options_.r2.presigned_url(object, url_lifetime);
}

Task<Sent> RouteCourier::forward(const Upload& upload, const warm::Errand& errand,
                                 StoredMessage original) {
    auto sent =
        co_await without_streaming(Route::forward, upload, errand, original.bytes,
                                   [&](Secret token) -> asio::awaitable<telegram::Posting> {
                                       co_return co_await bots_.forward(
                                           std::move(token), original.chat_id, original.message_id,
                                           errand.turn.chat_id, deadline_in(time_limit));
                                   });
    if (sent) sent->is_copy_of_good = true;
    co_return sent;
}

Task<Sent> RouteCourier::let_fetch(const Upload& upload, const warm::Errand& errand) {
    co_return co_await without_streaming(Route::url, upload, errand, upload.bytes,
                                         [&](Secret token) -> asio::awaitable<telegram::Posting> {
                                             co_return co_await bots_.send_by_url(
                                                 std::move(token), upload.media.kind,
                                                 errand.turn.chat_id, url_of(upload),
                                                 deadline_in(time_limit));
                                         });
}

Task<Sent> RouteCourier::without_streaming(
    Route route, const Upload& upload, const warm::Errand& errand, std::uint64_t bytes,
    std::function<asio::awaitable<telegram::Posting>(Secret)> post) {
    auto token = options_.token_of(upload.media.bot_slug);
    if (!token) {
        co_return Failure{FailureKind::misconfigured,
                          fmt::format("no token is known for bot {}", upload.media.bot_slug)};
    }
    if (auto begun = co_await errand.before_posting(); !begun) co_return begun.error();
    const auto began = steady_clock::now();
    auto posting = co_await post(std::move(*token));
    CarryReport report{.route = route, .outcome_unknown = posting.outcome_unknown};
    if (posting.sent) {
        report.telegram = steady_clock::now() - began;
        report.saved_bytes = posting.sent->bytes = bytes;
    } else {
        report.telegram_failure = posting.sent.error().kind;
    }
    if (options_.on_carried) options_.on_carried(upload, report);
    if (posting.sent) co_return std::move(posting.sent);

    auto failure = std::move(posting.sent.error());
    failure.source = Dependency::telegram;
    if (!closes_the_way(route, failure)) co_return failure;
    closed_.close(
        way(route, upload, bucket_of(upload, options_.r2_bucket)),
        steady_clock::now() + (route == Route::url ? steady_clock::duration{url_stays_closed}
                                                   : steady_clock::duration{forward_stays_closed}));
    co_return Failure{FailureKind::way_closed,
                      fmt::format("{}: {}", name_of(route), failure.detail)};
}

}  // namespace prewarm
