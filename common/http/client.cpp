#include "common/http/client.hpp"

#include <fmt/format.h>

#include "common/http/multi.hpp"

namespace prewarm::http {

Client::Client(asio::any_io_executor executor, ClientOptions options)
    : options_{std::move(options)},
      multi_{std::make_unique<Multi>(std::move(executor), options_.kept_connections)} {}

Client::~Client() = default;

Exchange Client::start(ClientRequest request, Sink sink) {
    return Exchange{*multi_, options_, std::move(request), std::move(sink)};
}

Task<ClientResponse> Client::send(ClientRequest request, std::size_t most_bytes) {
    std::string body;
    auto exchange = start(std::move(request), sink_into(body, most_bytes));
    auto head = co_await exchange.head();
    if (!head) co_return head.error();
    auto finished = co_await exchange.finish();
    if (!finished) co_return finished.error();
    co_return ClientResponse{std::move(*head), std::move(body)};
}

std::size_t Client::running() const {
    return multi_->running();
}

std::uint64_t Client::connections_made() const {
    return multi_->connections_made();
}

Sink sink_into(std::string& text, std::size_t most_bytes) {
    return [&text, most_bytes](const ResponseHead&, std::span<const char> piece) -> Result<bool> {
        if (piece.size() > most_bytes - text.size()) {
            return Failure{FailureKind::transient,
                           fmt::format("an answer of more than {} bytes", most_bytes)};
        }
        text.append(piece.begin(), piece.end());
        return true;
    };
}

Failure failure_of(const ResponseHead& head, std::string_view what) {
    auto detail = fmt::format("{}: HTTP {}", what, head.status);
    switch (head.status) {
        case 401:
        case 403:
        case 407:
        case 421:
            return {FailureKind::misconfigured, std::move(detail)};
        case 404:
        case 410:
            return {FailureKind::not_found, std::move(detail)};
        case 408:
        case 425:
            return {FailureKind::transient, std::move(detail)};
        case 413:
            return {FailureKind::too_large, std::move(detail)};
        case 429:
            return {FailureKind::throttled, std::move(detail), head.retry_after()};
        default:
            break;
    }
    // Neither followed nor understood: whoever answers so is not the server we mean.
    if (head.status < 400) return {FailureKind::misconfigured, std::move(detail)};
    return {head.status < 500 ? FailureKind::refused : FailureKind::unavailable, std::move(detail)};
}

}  // namespace prewarm::http
