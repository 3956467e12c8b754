/// Every wait has an end.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/runtime/task.hpp"

namespace prewarm {

using Deadline = std::chrono::steady_clock::time_point;

inline Deadline deadline_in(std::chrono::steady_clock::duration time) {
    return std::chrono::steady_clock::now() + time;
}

/// What `work` results in; or, when time is up first, `unavailable` with `what` in its detail,
/// after `work` was cancelled and has unwound. What `work` throws is passed on, cancellation too.
template <class T>
Task<T> with_deadline(Deadline deadline, Task<T> work, std::string what) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, deadline};
    auto [order, thrown, result, timer_error] =
        co_await asio::experimental::make_parallel_group(
            asio::co_spawn(executor, std::move(work), asio::deferred),
            timer.async_wait(asio::deferred))
            .async_wait(asio::experimental::wait_for_one{}, asio::use_awaitable);
    const bool time_is_up = order[0] == 1 && !timer_error;
    if (thrown && !time_is_up) std::rethrow_exception(thrown);
    if (thrown) co_return Failure{FailureKind::unavailable, what + ": no answer in time"};
    co_return std::move(result);
}

/// Waits, unless cancelled.
inline asio::awaitable<void> sleep_for(std::chrono::steady_clock::duration time) {
    asio::steady_timer timer{co_await asio::this_coro::executor, time};
    co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace prewarm
