#include "sandbox/telegram/url_fetcher.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "sandbox/digest.hpp"
#include "sandbox/telegram/multipart_header.hpp"

namespace prewarm::sandbox {
namespace {

constexpr std::uint64_t largest_file = 20'000'000;
constexpr std::chrono::seconds longest_fetch{60};

std::unexpected<ApiError> not_fetched() {
    return bad_request("failed to get HTTP URL content");
}

bool is_here(std::string_view host) {
    if (host == "localhost") return true;
    boost::system::error_code error;
    const auto address = asio::ip::make_address(host, error);
    return !error && address.is_loopback();
}

/// What a body says, while it comes.
struct Fetch {
    FetchedFile fetched;
    Digest digest = Digest::sha256();
    ContentReader content{};

    Result<bool> take(std::span<const char> piece) {
        fetched.file.bytes += piece.size();
        if (fetched.file.bytes > largest_file)
            return Failure{FailureKind::too_large, "a file to fetch is over 20 MB"};
        digest.update(piece);
        content.feed({piece.data(), piece.size()});
        return true;
    }

    FetchedFile end() {
        fetched.file.sha256 = digest.as_sha256();
        fetched.file.content = content.content();
        return std::move(fetched);
    }
};

}  // namespace

bool is_url(std::string_view media) {
    return media.find('.') != std::string_view::npos && !media.starts_with(attached_prefix);
}

UrlFetcher::UrlFetcher(asio::any_io_executor executor) : client_{std::move(executor), {}} {}

asio::awaitable<ApiResult<FetchedFile>> UrlFetcher::fetch(std::string url, std::string own_host) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed) co_return bad_request("invalid file HTTP URL specified: it can't be parsed");
    if (parsed->scheme() != "http" && parsed->scheme() != "https")
        co_return bad_request("invalid file HTTP URL specified: Unsupported URL protocol");
    if (!is_here(parsed->host_address()) && parsed->encoded_host_and_port() != own_host)
        co_return not_fetched();
    if (const auto known = known_.find(url); known != known_.end()) co_return known->second;
    auto fetched = co_await fetch_now(url);
    known_.insert_or_assign(std::move(url), fetched);
    co_return fetched;
}

asio::awaitable<ApiResult<FetchedFile>> UrlFetcher::fetch_now(std::string url) {
    Fetch fetch;
    const boost::urls::url_view parsed{url};
    fetch.fetched.file.file_name =
        parsed.segments().empty() ? std::string{} : parsed.segments().back();
    auto exchange = client_.start({.method = http::Method::get,
                                   .url = Secret{url},  // A presigned one lets anybody in.
                                   .what = "fetch by URL",
                                   .headers = {},
                                   .body = {},
                                   .deadline = deadline_in(longest_fetch)},
                                  [&fetch](const http::ResponseHead&, std::span<const char> piece) {
                                      return fetch.take(piece);
                                  });
    const auto head = co_await exchange.head();
    if (!head || head->status != 200) co_return not_fetched();
    if (const auto finished = co_await exchange.finish(); !finished) co_return not_fetched();
    fetch.fetched.mime_type = media_type_of(head->header("content-type").value_or(""));
    if (fetch.fetched.file.bytes == 0) co_return bad_request("wrong type of the web page content");
    co_return fetch.end();
}

}  // namespace prewarm::sandbox
