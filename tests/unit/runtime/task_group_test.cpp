#include "common/runtime/task_group.hpp"

#include <gtest/gtest.h>

#include "common/runtime/deadline.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

asio::awaitable<void> wait_for_ever() {
    co_await sleep_for(24h);
}

asio::awaitable<void> nothing() {
    co_return;
}

TEST(TaskGroup, JoinsTasksThatEnd) {
    asio::io_context loop;
    TaskGroup group{loop.get_executor()};
    group.spawn(nothing());
    group.spawn(nothing());
    EXPECT_EQ(group.running(), 2U);
    EXPECT_TRUE(test::run_to_end(loop, group.join(deadline_in(1h))));
    EXPECT_EQ(group.running(), 0U);
}

TEST(TaskGroup, SaysThatTimeIsUp) {
    asio::io_context loop;
    TaskGroup group{loop.get_executor()};
    group.spawn(wait_for_ever());
    const auto expire_then_cancel = [&]() -> asio::awaitable<bool> {
        const bool joined = co_await group.join(deadline_in(1ms));
        group.cancel_all();
        co_return joined;
    };
    EXPECT_FALSE(test::run_to_end(loop, expire_then_cancel()));
    EXPECT_EQ(group.running(), 0U);
}

}  // namespace
}  // namespace prewarm
