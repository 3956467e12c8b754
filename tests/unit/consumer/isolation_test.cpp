#include "consumer/warm/isolation.hpp"

#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/runtime/task_group.hpp"
#include "common/runtime/wait.hpp"

namespace prewarm::warm {
namespace {

using ::testing::ElementsAre;

class IsolationTest : public ::testing::Test {
protected:
    asio::awaitable<void> stay(std::string name, bool alone) {
        auto inside = alone ? co_await isolation.enter_alone() : co_await isolation.enter();
        entered.push_back(name);
        while (!may_leave.contains(name))
            co_await wake_up(news);
    }
    void come(std::string name, bool alone = false) {
        guests.spawn(stay(std::move(name), alone));
        settle();
    }
    void leave(const std::string& name) {
        may_leave.insert(name);
        news.cancel();
        settle();
    }
    void settle() {
        loop.restart();
        loop.poll();
    }
    void TearDown() override {
        guests.cancel_all();
        settle();
        EXPECT_EQ(guests.running(), 0U);
    }

    asio::io_context loop;
    Isolation isolation{loop.get_executor()};
    asio::steady_timer news = never(loop.get_executor());
    TaskGroup guests{loop.get_executor()};
    std::vector<std::string> entered;
    std::set<std::string> may_leave;
};

TEST_F(IsolationTest, LetsManyBeTogether) {
    come("a");
    come("b");
    EXPECT_THAT(entered, ElementsAre("a", "b"));
}

TEST_F(IsolationTest, LetsOneBeAloneWhenAllHaveLeft) {
    come("a");
    come("b");
    come("suspect", true);
    leave("a");
    EXPECT_THAT(entered, ElementsAre("a", "b"));
    leave("b");
    EXPECT_THAT(entered, ElementsAre("a", "b", "suspect"));
}

TEST_F(IsolationTest, LetsNobodyOvertakeWhoWaitsToBeAlone) {
    come("a");
    come("suspect", true);
    come("late");
    leave("a");
    EXPECT_THAT(entered, ElementsAre("a", "suspect"));
    leave("suspect");
    EXPECT_THAT(entered, ElementsAre("a", "suspect", "late"));
}

TEST_F(IsolationTest, LetsOneAfterTheOtherBeAlone) {
    come("first", true);
    come("second", true);
    EXPECT_THAT(entered, ElementsAre("first"));
    leave("first");
    EXPECT_THAT(entered, ElementsAre("first", "second"));
}

TEST_F(IsolationTest, ForgetsWhoGaveUpWaiting) {
    TaskGroup impatient{loop.get_executor()};
    come("a");
    impatient.spawn(stay("suspect", true));
    settle();
    come("b");
    EXPECT_THAT(entered, ElementsAre("a"));
    impatient.cancel_all();
    settle();
    EXPECT_EQ(impatient.running(), 0U);
    EXPECT_THAT(entered, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace prewarm::warm
