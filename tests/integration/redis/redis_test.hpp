/// Coroutines with a Connection, which is closed before they end.
#pragma once

#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "common/redis/connection.hpp"
#include "common/runtime/deadline.hpp"
#include "tests/support/environment.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::test {

class RedisTest : public testing::Test {
protected:
    /// Runs `with(connection)`, a coroutine that returns nothing.
    template <class With>
    void run(redis::Address address, redis::ConnectionOptions options, With with) {
        run_to_end(loop, [&]() -> asio::awaitable<void> {
            redis::Connection connection{loop.get_executor(), address, options};
            co_await with(connection);
            co_await connection.close();
        }());
    }
    template <class With>
    void run(With with) {
        run(shared(), {}, std::move(with));
    }

    static redis::Address shared() {
        return redis::parse_url(Secret{required_variable("REDIS_URL")}).value();
    }

    static redis::Address at(std::uint16_t port) {
        redis::Address address;
        address.host = "127.0.0.1";
        address.port = std::to_string(port);
        return address;
    }

    std::string key(const std::string& suffix = "") const { return name + suffix; }

    asio::io_context loop;
    std::string name = random_name();
};

inline bool is_string(const Result<redis::Reply>& reply, const std::string& text) {
    return reply && reply->string() != nullptr && *reply->string() == text;
}

}  // namespace prewarm::test
