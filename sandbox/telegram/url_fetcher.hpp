/// Files that Telegram is asked to fetch itself.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/client.hpp"
#include "sandbox/telegram/api_error.hpp"
#include "sandbox/telegram/take_upload.hpp"

namespace prewarm::sandbox {

/// What a media parameter begins with that names a file of the same request.
inline constexpr std::string_view attached_prefix = "attach://";

/// Whether a media parameter is a URL rather than a file_id, as the Bot API tells them apart.
bool is_url(std::string_view media);

/// One loop's thread; outlives its fetches.
class UrlFetcher {
public:
    explicit UrlFetcher(asio::any_io_executor executor);

    /// Up to 20 MB from this machine itself, or from `own_host` (`sandbox:8081`), which is ours by
    /// another name; from elsewhere nothing. What came of it, a failure too, is remembered: the
    /// same URL is never asked for again.
    asio::awaitable<ApiResult<FetchedFile>> fetch(std::string url, std::string own_host);

private:
    asio::awaitable<ApiResult<FetchedFile>> fetch_now(std::string url);

    http::Client client_;
    std::map<std::string, ApiResult<FetchedFile>, std::less<>> known_;
};

}  // namespace prewarm::sandbox
