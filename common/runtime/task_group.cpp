#include "common/runtime/task_group.hpp"

#include <cassert>
#include <exception>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace prewarm {

TaskGroup::TaskGroup(asio::any_io_executor executor, std::function<void()> on_task_end)
    : executor_{executor},
      on_task_end_{std::move(on_task_end)},
      all_done_{executor, asio::steady_timer::time_point::max()} {}

TaskGroup::~TaskGroup() {
    assert(signals_.empty());
}

void TaskGroup::spawn(asio::awaitable<void> task) {
    const auto signal = signals_.emplace(signals_.end());
    auto done = [this, signal](std::exception_ptr thrown) {
        signals_.erase(signal);
        if (signals_.empty()) all_done_.cancel();
        if (on_task_end_) on_task_end_();
        if (!thrown) return;
        try {
            std::rethrow_exception(thrown);
        } catch (const boost::system::system_error& error) {
            if (error.code() != asio::error::operation_aborted) throw;
        }
    };
    asio::co_spawn(executor_, std::move(task),
                   asio::bind_cancellation_slot(signal->slot(), std::move(done)));
}

void TaskGroup::cancel_all() {
    // A task that ends at once removes its own signal: do not iterate over what changes.
    std::vector<asio::cancellation_signal*> signals;
    for (auto& signal : signals_)
        signals.push_back(&signal);
    for (auto* signal : signals) {
        asio::post(executor_, [this, signal] {
            for (auto& live : signals_) {
                if (&live == signal) return live.emit(asio::cancellation_type::terminal);
            }
        });
    }
}

asio::awaitable<bool> TaskGroup::join(std::chrono::steady_clock::time_point deadline) {
    while (!signals_.empty()) {
        if (std::chrono::steady_clock::now() >= deadline) co_return false;
        all_done_.expires_at(deadline);
        boost::system::error_code ignored;
        co_await all_done_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return true;
}

}  // namespace prewarm
