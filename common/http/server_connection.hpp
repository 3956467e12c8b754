/// One client of a Server. Private to this module: it keeps Beast out of server.cpp.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "common/http/server.hpp"

namespace prewarm::http {

class ServerConnection {
public:
    virtual ~ServerConnection() = default;

    /// Answers the client's requests one after the other, until either side has enough. Ends after
    /// the request at work once `stopping` is true. Both arguments outlive the call.
    virtual asio::awaitable<void> run(const Handler& handler, const bool& stopping) = 0;
    /// Whatever the connection waits for fails.
    virtual void close() = 0;

    virtual bool waits_for_a_request() const = 0;
    /// The client should have sent or taken something by now.
    virtual bool overdue(std::chrono::steady_clock::time_point now) const = 0;
};

/// `options` outlives the connection.
std::unique_ptr<ServerConnection> make_connection(asio::ip::tcp::socket socket,
                                                  const ServerOptions& options);

/// `127.0.0.1:8081`, `[::1]:8081`.
std::string text_of(const asio::ip::tcp::endpoint& endpoint);

}  // namespace prewarm::http
