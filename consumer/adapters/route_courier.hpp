/// Takes each object to Telegram the cheapest way that works for it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/secret.hpp"
#include "common/http/client.hpp"
#include "common/media_store/media_store.hpp"
#include "common/s3/endpoint.hpp"
#include "common/telegram/bot_client.hpp"
#include "consumer/adapters/carry_report.hpp"
#include "consumer/routes/closed_ways.hpp"
#include "consumer/routes/planner.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

struct RouteOptions {
    UrlMode url_mode = UrlMode::off;
    std::string public_base_url;  ///< Of `r2_bucket`, with UrlMode::public_address.
    bool forwards = false;
    s3::Endpoint r2;
    std::string r2_bucket;  ///< For uploads that name none.
    std::string telegram_api_url;
    telegram::Server telegram_server = telegram::Server::cloud;

    /// The token of a bot; nothing for one that is not ours.
    std::function<std::optional<Secret>(std::string_view bot_slug)> token_of;
    /// A good message of another bot's with the same object, in a chat that both are in.
    std::function<Task<std::optional<StoredMessage>>(const Upload&)> message_of_another_bot;
    /// Called once for each carrying that was not cancelled, and not streamed. May be empty.
    std::function<void(const Upload&, const CarryReport&)> on_carried{};
};

/// Forwards, or lets Telegram fetch, what may go that way (routes/planner.hpp), and leaves the rest
/// to `streaming`. A way that turns out closed is remembered: `way_closed`, and the next call takes
/// another one.
///
/// An object that Telegram fetches is not verified: whoever holds the bucket may have changed it.
///
/// One loop's thread; the courier and the client outlive it.
class RouteCourier : public warm::Courier {
public:
    RouteCourier(warm::Courier& streaming, http::Client& telegram, RouteOptions options);

    Task<Sent> carry(const Upload& upload, const warm::Errand& errand) override;

private:
    asio::awaitable<std::optional<StoredMessage>> original_of(const Upload& upload,
                                                              const warm::Errand& errand) const;
    RouteFacts facts_of(const Upload& upload, const warm::Errand& errand, bool stands) const;
    Secret url_of(const Upload& upload);
    Task<Sent> forward(const Upload& upload, const warm::Errand& errand, StoredMessage original);
    Task<Sent> let_fetch(const Upload& upload, const warm::Errand& errand);
    Task<Sent> without_streaming(Route route, const Upload& upload, const warm::Errand& errand,
                                 std::uint64_t bytes,
                                 std::function<asio::awaitable<telegram::Posting>(Secret)> post);

    warm::Courier& streaming_;
    RouteOptions options_;
    telegram::BotClient bots_;
    ClosedWays closed_;
};

}  // namespace prewarm
