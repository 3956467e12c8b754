#include "producer/runner.hpp"

#include <csignal>
#include <stdexcept>

#include <gtest/gtest.h>

#include "common/runtime/deadline.hpp"
#include "producer/side_by_side.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

asio::awaitable<void> wait_for_ever(bool& unwound) {
    struct Note {
        bool& unwound;
        ~Note() { unwound = true; }
    } note{unwound};
    co_await sleep_for(24h);
}

asio::awaitable<ExitStatus> end_with(ExitStatus status) {
    co_return status;
}

asio::awaitable<ExitStatus> be_interrupted_by(int signal, bool& unwound) {
    std::raise(signal);
    co_await wait_for_ever(unwound);
    co_return ExitStatus::success;
}

TEST(Runner, EndsWithItsWorkAndCancelsWhatRunsBeside) {
    Runner runner;
    bool unwound = false;
    runner.beside().spawn(wait_for_ever(unwound));
    EXPECT_EQ(runner.run(end_with(ExitStatus::work_failed)), ExitStatus::work_failed);
    EXPECT_TRUE(unwound);
}

TEST(Runner, IsInterruptedBySignals) {
    for (const int signal : {SIGINT, SIGTERM}) {
        Runner runner;
        bool unwound = false;
        EXPECT_EQ(runner.run(be_interrupted_by(signal, unwound)), std::nullopt);
        EXPECT_TRUE(unwound);
    }
}

TEST(Runner, PassesErrorsOn) {
    Runner runner;
    const auto fail = []() -> asio::awaitable<ExitStatus> {
        throw CommandError{ExitStatus::wrong_usage, "no"};
        co_return ExitStatus::success;
    };
    EXPECT_THROW(runner.run(fail()), CommandError);
}

TEST(RunToEnd, IsFailedWorkWhenInterrupted) {
    Runner runner;
    bool unwound = false;
    try {
        run_to_end(runner, be_interrupted_by(SIGINT, unwound));
        FAIL();
    } catch (const CommandError& error) {
        EXPECT_EQ(error.status(), ExitStatus::work_failed);
        EXPECT_STREQ(error.what(), "interrupted");
    }
}

asio::awaitable<void> count(int& counter) {
    ++counter;
    co_return;
}

asio::awaitable<void> fail() {
    throw std::runtime_error{"first"};
    co_return;
}

asio::awaitable<ExitStatus> all_of(std::vector<asio::awaitable<void>> tasks) {
    co_await side_by_side(std::move(tasks));
    co_return ExitStatus::success;
}

TEST(SideBySide, WaitsForAll) {
    Runner runner;
    int counter = 0;
    std::vector<asio::awaitable<void>> tasks;
    for (int i = 0; i < 3; ++i)
        tasks.push_back(count(counter));
    EXPECT_EQ(runner.run(all_of(std::move(tasks))), ExitStatus::success);
    EXPECT_EQ(counter, 3);
    Runner idle;
    EXPECT_EQ(idle.run(all_of({})), ExitStatus::success);
}

TEST(SideBySide, IsEndedByTheFirstThatFails) {
    Runner runner;
    bool unwound = false;
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(wait_for_ever(unwound));
    tasks.push_back(fail());
    EXPECT_THROW(runner.run(all_of(std::move(tasks))), std::runtime_error);
    EXPECT_TRUE(unwound);
}

}  // namespace
}  // namespace prewarm::producer
