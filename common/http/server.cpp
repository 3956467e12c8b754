#include "common/http/server.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <exception>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "common/http/server_connection.hpp"
#include "common/log/log.hpp"

namespace prewarm::http {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

Result<tcp::endpoint> endpoint_of(std::string_view address) {
    const auto wrong = [&] {
        return Failure{
            FailureKind::misconfigured,
            fmt::format("cannot listen on '{}': write HOST:PORT, such as 127.0.0.1:8080", address)};
    };
    const auto colon = address.rfind(':');
    if (colon == std::string_view::npos) return wrong();
    auto host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    error_code error;
    const auto ip = asio::ip::make_address(host, error);
    if (error) return wrong();

    const auto digits = address.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, trouble] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (trouble != std::errc{} || end != digits.data() + digits.size()) return wrong();
    return tcp::endpoint{ip, port};
}

Failure cannot_listen(std::string_view address, const error_code& error) {
    const auto* const what_to_do =
        error == asio::error::address_in_use
            ? "stop the program that listens there, or choose another port (0 picks a free one)"
        : error == asio::error::access_denied ? "ports below 1024 are for root: choose another"
                                              : "choose an address of this machine";
    return {FailureKind::misconfigured,
            fmt::format("cannot listen on {}: {}; {}", address, error.message(), what_to_do)};
}

}  // namespace

std::string text_of(const tcp::endpoint& endpoint) {
    const auto host = endpoint.address().to_string();
    return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                      : fmt::format("{}:{}", host, endpoint.port());
}

Server::Server(asio::any_io_executor executor, Handler handler, ServerOptions options)
    : executor_{executor},
      handler_{std::move(handler)},
      options_{options},
      acceptor_{executor},
      room_{executor, steady_clock::time_point::max()},
      tasks_{executor} {}

Server::~Server() {
    assert(tasks_.running() == 0 && "a server must be stopped first");
}

Result<> Server::listen(std::string_view address) {
    const auto endpoint = endpoint_of(address);
    if (!endpoint) return endpoint.error();
    error_code error;
    acceptor_.open(endpoint->protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address{true}, error);
    if (!error) acceptor_.bind(*endpoint, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    if (error) {
        error_code ignored;
        acceptor_.close(ignored);
        return cannot_listen(address, error);
    }
    tasks_.spawn(accept_connections());
    tasks_.spawn(close_overdue());
    return {};
}

std::uint16_t Server::port() const {
    return acceptor_.local_endpoint().port();
}

std::string Server::address() const {
    return text_of(acceptor_.local_endpoint());
}

asio::awaitable<void> Server::accept_connections() {
    while (!stopping_) {
        error_code error;
        if (connections_.size() >= options_.max_connections) {
            co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, error));
            continue;
        }
        auto socket =
            co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (stopping_) break;
        if (error) {
            // Out of descriptors, most likely: let some connections end.
            log::warn("http.accept_failed", error.message());
            co_await sleep_for(std::chrono::milliseconds{100});
            continue;
        }
        auto& connection = *connections_.emplace_back(make_connection(std::move(socket), options_));
        tasks_.spawn(serve(connection));
    }
}

asio::awaitable<void> Server::serve(ServerConnection& connection) {
    try {
        co_await connection.run(handler_, stopping_);
    } catch (const std::exception& error) {
        // A body made while it was sent has thrown; or this server is being stopped.
        if (!stopping_) log::error("http.connection_failed", error.what());
    }
    connections_.remove_if([&](const auto& one) { return one.get() == &connection; });
    room_.cancel();
}

/// One look over all connections now and then costs less than a timer for each of their reads.
asio::awaitable<void> Server::close_overdue() {
    const auto shortest = std::min({options_.header_time, options_.idle_time, options_.stall_time});
    const auto pause =
        std::clamp(shortest / 4, std::chrono::milliseconds{10}, std::chrono::milliseconds{1'000});
    while (true) {
        co_await sleep_for(pause);
        const auto now = steady_clock::now();
        for (auto& connection : connections_) {
            if (connection->overdue(now)) connection->close();
        }
    }
}

asio::awaitable<void> Server::stop(Deadline deadline) {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    room_.cancel();
    for (auto& connection : connections_) {
        if (connection->waits_for_a_request()) connection->close();
    }
    while (!connections_.empty() && steady_clock::now() < deadline) {
        room_.expires_at(deadline);
        co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    tasks_.cancel_all();
    for (auto& connection : connections_)
        connection->close();
    co_await tasks_.join(steady_clock::time_point::max());
}

}  // namespace prewarm::http
