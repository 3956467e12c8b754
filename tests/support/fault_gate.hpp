/// A door between a program and a server, which a test can shut or freeze.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace prewarm::test {

namespace asio = boost::asio;

/// Passes TCP connections on to 127.0.0.1:`target`, on a thread of its own, because what is
/// tested may block. The calls take effect before they return.
class FaultGate {
public:
    explicit FaultGate(std::uint16_t target) : target_{asio::ip::address_v4::loopback(), target} {
        listen(0);
        thread_ = std::thread{[this] { loop_.run(); }};
    }

    ~FaultGate() {
        shut();
        loop_.stop();
        thread_.join();
    }

    std::uint16_t port() const { return port_; }

    /// The server is away: open connections end, and new ones are refused.
    void shut() {
        on_its_thread([this] {
            acceptor_.reset();
            thaw_now();
            for (const auto& pair : pairs_)
                pair->close();
            pairs_.clear();
        });
    }

    /// It is back, at the same port.
    void open() {
        on_its_thread([this] { listen(port_); });
    }

    /// The server is silent: connections are taken and nothing comes through.
    void freeze() {
        on_its_thread([this] { frozen_.emplace(loop_, asio::steady_timer::time_point::max()); });
    }

    void thaw() {
        on_its_thread([this] { thaw_now(); });
    }

private:
    using tcp = boost::asio::ip::tcp;
    struct Pair {
        explicit Pair(tcp::socket accepted) : near{std::move(accepted)}, far{near.get_executor()} {}
        void close() {
            boost::system::error_code ignored;
            near.close(ignored);
            far.close(ignored);
        }
        tcp::socket near;
        tcp::socket far;
    };

    void listen(std::uint16_t port) {
        acceptor_.emplace(loop_, tcp::endpoint{asio::ip::address_v4::loopback(), port});
        port_ = acceptor_->local_endpoint().port();
        asio::co_spawn(loop_, accept(), asio::detached);
    }

    asio::awaitable<void> accept() {
        while (true) {
            boost::system::error_code failed;
            auto accepted =
                co_await acceptor_->async_accept(asio::redirect_error(asio::use_awaitable, failed));
            if (failed) co_return;
            const auto pair = std::make_shared<Pair>(std::move(accepted));
            pairs_.insert(pair);
            asio::co_spawn(loop_, serve(pair), asio::detached);
        }
    }

    asio::awaitable<void> serve(std::shared_ptr<Pair> pair) {
        boost::system::error_code failed;
        co_await pair->far.async_connect(target_,
                                         asio::redirect_error(asio::use_awaitable, failed));
        if (failed) {
            pair->close();
        } else {
            asio::co_spawn(loop_, pass(pair, pair->near, pair->far), asio::detached);
            co_await pass(pair, pair->far, pair->near);
        }
        pairs_.erase(pair);
    }

    asio::awaitable<void> pass(std::shared_ptr<Pair> pair, tcp::socket& from, tcp::socket& to) {
        std::vector<char> bytes(65536);
        boost::system::error_code failed;
        while (!failed) {
            const auto size = co_await from.async_read_some(
                asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failed));
            while (frozen_) {
                boost::system::error_code thawed;
                co_await frozen_->async_wait(asio::redirect_error(asio::use_awaitable, thawed));
            }
            if (failed) break;
            co_await asio::async_write(to, asio::buffer(bytes, size),
                                       asio::redirect_error(asio::use_awaitable, failed));
        }
        pair->close();
    }

    void thaw_now() { frozen_.reset(); }

    void on_its_thread(std::function<void()> act) {
        std::promise<void> done;
        asio::post(loop_, [&] {
            act();
            done.set_value();
        });
        done.get_future().wait();
    }

    asio::io_context loop_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_{loop_.get_executor()};
    tcp::endpoint target_;
    std::optional<tcp::acceptor> acceptor_;
    std::uint16_t port_ = 0;
    std::optional<asio::steady_timer> frozen_;  ///< While frozen; destroying it wakes all.
    std::set<std::shared_ptr<Pair>> pairs_;
    std::thread thread_;
};

}  // namespace prewarm::test
