/// The Bot API as an uploader meets it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/value.hpp>

#include "common/http/server.hpp"
#include "sandbox/faults/fault_matcher.hpp"
#include "sandbox/stats.hpp"
#include "sandbox/telegram/api_error.hpp"
#include "sandbox/telegram/audit.hpp"
#include "sandbox/telegram/bot.hpp"
#include "sandbox/telegram/chats.hpp"
#include "sandbox/telegram/file_register.hpp"
#include "sandbox/telegram/form.hpp"
#include "sandbox/telegram/rate_limits.hpp"
#include "sandbox/telegram/take_upload.hpp"
#include "sandbox/telegram/url_fetcher.hpp"

namespace prewarm::sandbox {

struct BotApiOptions {
    FormLimits limits;
    bool is_local = false;                 ///< As a server of one's own with --local.
    std::chrono::milliseconds latency{0};  ///< After a request's body.
    std::optional<BotList> bots;           ///< Unset: any token of the right form is a bot's.
    RateLimits rates;
    Looking looking = Looking::on;  ///< Into files: off, all keep their kind.
};

class BotApi {
public:
    /// The references outlive this.
    BotApi(BotApiOptions options, Stats& stats, Audit& audit, FaultMatcher& faults);

    /// `/bot<token>/<method>`.
    asio::awaitable<http::Response> answer(http::Request& request);

private:
    struct Call {
        Bot bot;
        Form form;
        std::chrono::steady_clock::time_point began;
        std::optional<ApiResult<FetchedFile>> fetched{};  ///< Set when the media is a URL.
    };
    struct Asked;
    struct Method;
    static const Method* method_named(std::string_view name);

    asio::awaitable<http::Response> answer_upload(http::Request& request, Asked asked,
                                                  std::int64_t bot_id);
    asio::awaitable<http::Response> break_off(http::Request& request, Fault fault);
    asio::awaitable<std::expected<Form, NoForm>> read(http::Request& request);
    asio::awaitable<std::optional<ApiResult<FetchedFile>>> fetch(const Asked& asked,
                                                                 std::string own_host);
    asio::awaitable<http::Response> perform(Asked asked);
    asio::awaitable<http::Response> refuse(Violation violation);
    ApiError flooded(const Violation& violation);

    ApiResult<Bot> bot_of(std::string_view token) const;
    ApiResult<boost::json::value> run(Asked asked);

    ApiResult<boost::json::value> get_me(const Call& call, const Method& method);
    ApiResult<boost::json::value> send(const Call& call, const Method& method);
    ApiResult<boost::json::value> send_group(const Call& call, const Method& method);
    ApiResult<boost::json::value> delete_message(const Call& call, const Method& method);
    ApiResult<boost::json::value> forward_message(const Call& call, const Method& method);
    ApiResult<boost::json::value> get_file(const Call& call, const Method& method);

    /// A file that stands in the register, ready to be posted.
    struct Media {
        std::uint64_t number = 0;
        bool is_upload = false;
    };
    ApiResult<Media> media_of(const Call& call, MediaKind kind);
    ApiResult<Media> media_of_file_id(const Call& call, MediaKind kind, std::string_view file_id);
    ApiResult<Media> media_of_url(const Call& call, MediaKind kind);
    ApiResult<std::int64_t> chat_of(const Form& form, std::string_view field) const;
    ApiResult<boost::json::value> post(const Call& call, const Method& method, std::int64_t chat_id,
                                       Media media);
    boost::json::object publish(const Call& call, const Method& method, std::int64_t chat_id,
                                Media media);

    BotApiOptions options_;
    Stats& stats_;
    Audit& audit_;
    FaultMatcher& faults_;
    FileRegister files_;
    Chats chats_;
    RateLimiter limiter_;
    std::optional<UrlFetcher> fetcher_;  ///< Made when it is first needed, on the loop's executor.
    std::uint64_t albums_ = 0;           ///< Posted so far.
};

}  // namespace prewarm::sandbox
