#include "common/downloads/disk_threads.hpp"

#include <future>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/run_to_end.hpp"

namespace prewarm::downloads {
namespace {

using namespace std::chrono_literals;

class DiskThreadsTest : public testing::Test {
protected:
    asio::io_context loop;
    DiskThreads threads{loop.get_executor(), 1};
};

TEST_F(DiskThreadsTest, GivesWhatACallOnAnotherThreadReturns) {
    const auto there =
        test::run_to_end(loop, threads.run(1min, [] { return std::this_thread::get_id(); }));
    ASSERT_TRUE(there);
    EXPECT_NE(*there, std::this_thread::get_id());
}

TEST_F(DiskThreadsTest, LetsGoOfACallThatHangs) {
    std::promise<void> end;
    const auto hung = test::run_to_end(loop, threads.run(1ms, [wait = end.get_future()] {
        wait.wait();
        return 1;
    }));
    EXPECT_FALSE(hung);
    end.set_value();
    EXPECT_EQ(test::run_to_end(loop, threads.run(1min, [] { return 2; })), 2);
}

TEST_F(DiskThreadsTest, RunsCallsInTheirOrder) {
    auto order = std::make_shared<std::string>();
    for (const char c : {'a', 'b', 'c'})
        threads.post([order, c] { *order += c; });
    EXPECT_EQ(test::run_to_end(loop, threads.run(1min, [order] { return *order; })), "abc");
}

}  // namespace
}  // namespace prewarm::downloads
