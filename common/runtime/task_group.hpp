/// An owner for coroutines: nothing runs detached.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

namespace prewarm {

namespace asio = boost::asio;

/// Runs coroutines and waits for their end. Lives on one loop's thread; must be joined before it
/// is destroyed, and before what its tasks use goes away.
///
/// A task that ends by cancellation just ends. Any other exception is a bug: it leaves the
/// loop's `run()`, so that the process ends and its work is given to others.
class TaskGroup {
public:
    /// `on_task_end` is called after each task's end, when `running()` counts it no more.
    explicit TaskGroup(asio::any_io_executor executor, std::function<void()> on_task_end = {});
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    void spawn(asio::awaitable<void> task);
    std::size_t running() const { return signals_.size(); }

    /// Interrupts every task at its current co_await.
    void cancel_all();

    /// True when no task runs any more, false when time is up first.
    asio::awaitable<bool> join(std::chrono::steady_clock::time_point deadline);

private:
    asio::any_io_executor executor_;
    std::function<void()> on_task_end_;
    std::list<asio::cancellation_signal> signals_;
    asio::steady_timer all_done_;
};

}  // namespace prewarm
