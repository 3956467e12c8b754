#include "common/runtime/blocking_pool.hpp"

#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/run_to_end.hpp"

namespace prewarm {
namespace {

TEST(BlockingPool, CallsElsewhereAndGoesOnHere) {
    asio::io_context loop;
    BlockingPool pool{2};
    const auto here = std::this_thread::get_id();
    const auto ask = [&]() -> asio::awaitable<bool> {
        const auto there = co_await pool.run([] { return std::this_thread::get_id(); });
        co_return there != here&& std::this_thread::get_id() == here;
    };
    EXPECT_TRUE(test::run_to_end(loop, ask()));
}

TEST(BlockingPool, ThrowsHereWhatWasThrownThere) {
    asio::io_context loop;
    BlockingPool pool{1};
    const auto ask = [&]() -> asio::awaitable<void> {
        co_await pool.run([] { throw std::runtime_error{"there"}; });
    };
    EXPECT_THROW(test::run_to_end(loop, ask()), std::runtime_error);
}

}  // namespace
}  // namespace prewarm
