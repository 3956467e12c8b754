/// The ways an object may get to Telegram, best first. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/failure.hpp"
#include "common/base/media.hpp"
#include "common/telegram/limits.hpp"

namespace prewarm {

enum class Route : std::uint8_t {
    forward,    ///< Another bot's message is forwarded: no byte is moved.
    url,        ///< Telegram fetches the object itself.
    multipart,  ///< We stream it.
};
std::string_view name_of(Route route);

/// PREWARM_URL_MODE.
enum class UrlMode : std::uint8_t { off, presigned, public_address };

/// All that the choice depends on.
struct RouteFacts {
    MediaKind kind = MediaKind::document;
    std::uint64_t bytes = 0;  ///< 0: unknown.
    std::string mime_type;
    /// The message must say what Telegram would not find out: size, duration, a thumbnail.
    bool has_attributes = false;
    telegram::Server server = telegram::Server::cloud;
    UrlMode url_mode = UrlMode::off;
    bool url_has_failed = false;  ///< Telegram remembers that for days.
    bool has_address = true;      ///< The bucket is one that a URL can be made for.
    /// A good message of another bot with this object stands in a chat that both are in.
    bool stands_with_another_bot = false;
    bool forwards = false;            ///< PREWARM_FORWARD_FANOUT.
    bool forward_has_failed = false;  ///< A while ago.
    bool has_album_turn = false;      ///< Those of its album have theirs at the same moment.
    bool insists = false;             ///< The kind is to be kept, at the price of another upload.
};

struct RouteChoice {
    Route route = Route::multipart;
    std::string why;
};

/// At least multipart, the last; `too_large` when no way takes an object of this size, `refused`
/// when it is empty and known to be.
Result<std::vector<RouteChoice>> plan_routes(const RouteFacts& facts);

}  // namespace prewarm
