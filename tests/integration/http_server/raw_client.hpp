/// A client that sends any bytes, right or wrong.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

namespace prewarm::http::test {

namespace asio = boost::asio;

class RawClient {
public:
    RawClient(asio::io_context& loop, std::uint16_t port) : socket_{loop} {
        socket_.connect({asio::ip::address_v4::loopback(), port});
    }

    /// A server that hung up meanwhile is the test's to notice.
    asio::awaitable<void> send(std::string text) {
        boost::system::error_code ignored;
        co_await asio::async_write(socket_, asio::buffer(text),
                                   asio::redirect_error(asio::use_awaitable, ignored));
    }

    /// An answer up to and with the empty line.
    asio::awaitable<std::string> read_head() {
        const auto size = co_await asio::async_read_until(socket_, asio::dynamic_buffer(unread_),
                                                          "\r\n\r\n", asio::use_awaitable);
        co_return take(size);
    }

    /// An answer with a Content-Length.
    asio::awaitable<std::string> read_answer() {
        constexpr std::string_view name = "Content-Length: ";
        auto answer = co_await read_head();
        std::size_t length = 0;
        const auto at = answer.find(name);
        if (at != std::string::npos)
            std::from_chars(answer.data() + at + name.size(), answer.data() + answer.size(),
                            length);
        if (unread_.size() < length)
            co_await asio::async_read(socket_, asio::dynamic_buffer(unread_),
                                      asio::transfer_exactly(length - unread_.size()),
                                      asio::use_awaitable);
        co_return answer + take(length);
    }

    /// What comes until the server hangs up, in whatever way it does.
    asio::awaitable<std::string> read_to_end() {
        boost::system::error_code error;
        co_await asio::async_read(socket_, asio::dynamic_buffer(unread_),
                                  asio::redirect_error(asio::use_awaitable, error));
        co_return take(unread_.size());
    }

    /// How the server hangs up, without a word: `eof` or `connection_reset`.
    asio::awaitable<boost::system::error_code> read_hang_up() {
        boost::system::error_code error;
        char byte = 0;
        co_await asio::async_read(socket_, asio::buffer(&byte, 1),
                                  asio::redirect_error(asio::use_awaitable, error));
        co_return error;
    }

    asio::awaitable<bool> is_hung_up_on() {
        co_await read_to_end();
        co_return true;  // A server that does not hang up is caught by the test's time limit.
    }

    void say_no_more() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }
    void hang_up() {
        boost::system::error_code ignored;
        socket_.close(ignored);
    }

private:
    std::string take(std::size_t size) {
        auto text = unread_.substr(0, size);
        unread_.erase(0, size);
        return text;
    }

    asio::ip::tcp::socket socket_;
    std::string unread_;
};

}  // namespace prewarm::http::test
