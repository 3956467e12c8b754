#include "consumer/routes/planner.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "common/base/upload.hpp"

namespace prewarm {
namespace {

// "5 MB max size for photos and 20 MB max for other types of content" (Bot API, Sending files).
constexpr std::uint64_t most_photo_bytes_by_url = 5'000'000;
constexpr std::uint64_t most_bytes_by_url = 20'000'000;
constexpr std::uint64_t most_voice_bytes_by_url = 1'000'000;  // Above it a file comes of it.

/// The types of a kind that come back as this kind when Telegram fetches them: it goes by the type
/// alone. A video without sound would become an animation, so videos are not fetched.
bool keeps_kind_by_url(MediaKind kind, std::string_view mime_type) {
    const auto is = [&](auto... types) { return ((mime_type == types) || ...); };
    switch (kind) {
        case MediaKind::photo:
            return is("image/jpeg", "image/png");
        case MediaKind::animation:
            return is("image/gif");
        case MediaKind::audio:
            return is("audio/mpeg", "audio/mp4");
        case MediaKind::voice:
            return is("audio/ogg");
        case MediaKind::document:
            return is("application/pdf", "application/zip");
        case MediaKind::video:
        case MediaKind::video_note:
        case MediaKind::sticker:
            return false;
    }
    return false;
}

std::uint64_t most_by_url(MediaKind kind) {
    if (kind == MediaKind::photo) return most_photo_bytes_by_url;
    if (kind == MediaKind::voice) return most_voice_bytes_by_url;
    return most_bytes_by_url;
}

/// Those of a larger one have to be declared.
bool needs_attributes(const RouteFacts& facts) {
    return facts.bytes > analysed_up_to_bytes &&
           (facts.kind == MediaKind::animation || facts.kind == MediaKind::audio);
}

/// What speaks against a URL; nothing if it may be tried.
std::optional<std::string> against_url(const RouteFacts& facts) {
    if (facts.url_mode == UrlMode::off) return "PREWARM_URL_MODE is off";
    if (facts.insists) return "the kind is to be kept";
    if (facts.has_album_turn) return "it goes in an album";
    if (!facts.has_address) return "its bucket has no public address";
    if (facts.url_has_failed) return "this address has failed before";
    if (facts.bytes == 0) return "the object's size is not known";
    if (facts.bytes > most_by_url(facts.kind))
        return fmt::format("{} bytes are too many to be fetched", facts.bytes);
    if (needs_attributes(facts)) return "Telegram would not look into it";
    if (facts.has_attributes) return "nothing can be declared with an address";
    if (!keeps_kind_by_url(facts.kind, facts.mime_type))
        return fmt::format("a fetched `{}` may not stay a {}", facts.mime_type,
                           name_of(facts.kind));
    return std::nullopt;
}

}  // namespace

std::string_view name_of(Route route) {
    switch (route) {
        case Route::forward:
            return "forward";
        case Route::url:
            return "url";
        case Route::multipart:
            return "multipart";
    }
    return "";
}

Result<std::vector<RouteChoice>> plan_routes(const RouteFacts& facts) {
    std::vector<RouteChoice> routes;
    const bool may_forward =
        facts.forwards && !facts.forward_has_failed && !facts.insists && !facts.has_album_turn;
    if (may_forward && facts.stands_with_another_bot)
        routes.push_back({Route::forward, "another bot has it in a chat that both are in"});
    const auto no_url = against_url(facts);
    if (!no_url) routes.push_back({Route::url, "small, and of a type that keeps its kind"});
    if (facts.bytes != 0) {
        const auto fits = telegram::check_size(facts.kind, facts.bytes, facts.server);
        // A forwarded message is as large as it is.
        if (!fits && routes.empty()) return fits.error();
        if (!fits) return routes;
    }
    routes.push_back({Route::multipart, no_url.value_or("should that fail")});
    return routes;
}

}  // namespace prewarm
