#include "common/runtime/deadline.hpp"

#include <gtest/gtest.h>

#include "tests/support/run_to_end.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

Task<int> seven() {
    co_return 7;
}

Task<int> never() {
    co_await sleep_for(24h);
    co_return 0;
}

Task<int> broken() {
    throw std::logic_error{"a bug"};
    co_return 0;
}

TEST(WithDeadline, GivesWhatTheWorkGives) {
    asio::io_context loop;
    EXPECT_EQ(test::run_to_end(loop, with_deadline(deadline_in(1h), seven(), "seven")), 7);
}

TEST(WithDeadline, EndsWorkThatTakesTooLong) {
    asio::io_context loop;
    const auto late = test::run_to_end(loop, with_deadline(deadline_in(1ms), never(), "never"));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, FailureKind::unavailable);
    EXPECT_EQ(late.error().detail, "never: no answer in time");
}

TEST(WithDeadline, PassesOnWhatTheWorkThrows) {
    asio::io_context loop;
    EXPECT_THROW((void)test::run_to_end(loop, with_deadline(deadline_in(1h), broken(), "broken")),
                 std::logic_error);
}

}  // namespace
}  // namespace prewarm
