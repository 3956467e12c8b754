/// A server on a real socket whose behaviour is a coroutine of the test's.
#pragma once

#include <charconv>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

namespace prewarm::test {

namespace asio = boost::asio;

/// One accepted connection, with what was read of it and not yet used.
struct Connection {
    asio::ip::tcp::socket socket;
    std::size_t number = 0;  ///< 1 for the first.
    std::string unread{};

    asio::awaitable<void> write(std::string bytes) {
        co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
    }

    /// Up to and with the empty line. Throws at the connection's end.
    asio::awaitable<std::string> read_head() {
        const auto size = co_await asio::async_read_until(socket, asio::dynamic_buffer(unread),
                                                          "\r\n\r\n", asio::use_awaitable);
        co_return take(size);
    }

    asio::awaitable<std::string> read_bytes(std::size_t size) {
        if (unread.size() < size) {
            co_await asio::async_read(socket, asio::dynamic_buffer(unread),
                                      asio::transfer_exactly(size - unread.size()),
                                      asio::use_awaitable);
        }
        co_return take(size);
    }

    /// What its Content-Length says, 0 without one.
    static std::size_t body_size(std::string_view head) {
        constexpr std::string_view name = "Content-Length: ";
        const auto at = head.find(name);
        std::size_t size = 0;
        if (at != std::string_view::npos)
            std::from_chars(head.data() + at + name.size(), head.data() + head.size(), size);
        return size;
    }

private:
    std::string take(std::size_t size) {
        auto taken = unread.substr(0, size);
        unread.erase(0, size);
        return taken;
    }
};

/// Listens on a free loopback port and runs `serve` for every connection, on the test's loop. The
/// loop does not run dry until `stop()`. A connection that ends under `serve` ends it.
class ScriptedServer {
public:
    using Serve = std::function<asio::awaitable<void>(Connection&)>;

    ScriptedServer(asio::io_context& loop, Serve serve)
        : acceptor_{loop, {asio::ip::address_v4::loopback(), 0}}, serve_{std::move(serve)} {
        asio::co_spawn(loop, accept(), asio::detached);
    }

    std::uint16_t port() const { return port_; }
    std::string url(std::string_view path) const {
        return "http://127.0.0.1:" + std::to_string(port_) + std::string{path};
    }
    std::size_t accepted() const { return connections_.size(); }

    void stop() {
        acceptor_.close();
        for (auto& connection : connections_)
            connection.socket.close();
    }

private:
    asio::awaitable<void> accept() {
        try {
            while (true) {
                auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
                connections_.push_back({std::move(socket), connections_.size() + 1});
                asio::co_spawn(acceptor_.get_executor(), run(connections_.back()), asio::detached);
            }
        } catch (const boost::system::system_error&) {
            // stop()
        }
    }

    asio::awaitable<void> run(Connection& connection) {
        try {
            co_await serve_(connection);
        } catch (const boost::system::system_error&) {
            // The client went away, or stop().
        }
        connection.socket.close();
    }

    asio::ip::tcp::acceptor acceptor_;
    std::uint16_t port_ = acceptor_.local_endpoint().port();
    Serve serve_;
    std::list<Connection> connections_;
};

}  // namespace prewarm::test
