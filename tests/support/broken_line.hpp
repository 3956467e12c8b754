/// A line to an HTTP server on which answers break in the way a test wants.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/scripted_server.hpp"

namespace prewarm::test {

/// What becomes of one request.
struct Fate {
    /// How much of the answer's body comes through, if its length is told: errors come whole.
    std::size_t body_bytes = std::numeric_limits<std::size_t>::max();
    enum class End : std::uint8_t {
        hangs_up,
        resets,
        falls_silent
    } end = End::hangs_up;                            ///< If not all.
    std::string answer{};                             ///< Instead of the server's, if not empty.
    std::function<asio::awaitable<void>()> before{};  ///< Before the request is passed on.
    std::function<void()> after{};                    ///< After all that comes through.
};

/// Passes requests without a body on to 127.0.0.1:`target`, on the test's loop. The loop does not
/// run dry until `stop()`.
class BrokenLine {
public:
    BrokenLine(asio::io_context& loop, std::uint16_t target)
        : target_{asio::ip::address_v4::loopback(), target},
          server_{loop, [this](Connection& near) { return serve(near); }} {}

    std::string url() const { return server_.url(""); }
    void stop() { server_.stop(); }

    std::deque<Fate> fates;          ///< Of the next requests; the others pass.
    std::vector<std::string> heads;  ///< Of the requests so far.
    std::uint64_t body_bytes = 0;    ///< Of the server's answers, that came through.

private:
    using tcp = asio::ip::tcp;

    asio::awaitable<void> serve(Connection& near) {
        bool goes_on = true;
        while (goes_on) {
            heads.push_back(co_await near.read_head());
            Fate fate;
            if (!fates.empty()) {
                fate = std::move(fates.front());
                fates.pop_front();
            }
            if (fate.before) co_await fate.before();
            if (fate.answer.empty()) {
                goes_on = co_await pass(near, heads.back(), fate);
            } else {
                co_await near.write(fate.answer);
            }
            if (fate.after) fate.after();
        }
    }

    asio::awaitable<bool> pass(Connection& near, std::string head, const Fate& fate) {
        Connection far{tcp::socket{near.socket.get_executor()}};
        co_await far.socket.async_connect(target_, asio::use_awaitable);
        co_await far.write(std::move(head));
        const auto answer = co_await far.read_head();
        co_await near.write(answer);
        if (answer.find("Transfer-Encoding: chunked") != std::string::npos) {
            co_await asio::async_read_until(far.socket, asio::dynamic_buffer(far.unread),
                                            "0\r\n\r\n", asio::use_awaitable);
            co_await near.write(far.unread);
            co_return true;
        }
        const auto size = Connection::body_size(answer);
        const auto wanted = std::min(size, fate.body_bytes);
        for (std::size_t passed = 0; passed < wanted;) {
            auto piece = co_await far.read_bytes(std::min<std::size_t>(30'000, wanted - passed));
            passed += piece.size();
            body_bytes += piece.size();
            co_await near.write(std::move(piece));
        }
        if (wanted == size) co_return true;
        if (fate.end == Fate::End::resets)
            near.socket.set_option(asio::socket_base::linger{true, 0});
        if (fate.end == Fate::End::falls_silent) co_await near.read_head();  // Until it is left.
        co_return false;
    }

    tcp::endpoint target_;
    ScriptedServer server_;
};

}  // namespace prewarm::test
