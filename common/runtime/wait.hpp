/// Waiting for a thing of this thread to happen: the waiter sleeps on a timer, whoever makes it
/// happen cancels the timer. One waiter may have a deadline; the others' timers never expire.
#pragma once

#include <chrono>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace prewarm {

namespace asio = boost::asio;

inline asio::steady_timer never(asio::any_io_executor executor) {
    return asio::steady_timer{std::move(executor), std::chrono::steady_clock::time_point::max()};
}

/// To be awaited after an operation whose error was not thrown: it may have ended because the
/// coroutine itself is being cancelled, which is no Failure.
inline asio::awaitable<void> throw_if_cancelled() {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
        throw boost::system::system_error{asio::error::operation_aborted};
}

/// Sleeps until `timer`, which the caller keeps alive, is cancelled or expires: look at what was
/// waited for, for it may have happened or not. Throws when the coroutine itself is cancelled.
inline asio::awaitable<void> wake_up(asio::steady_timer& timer) {
    boost::system::error_code woken;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    co_await throw_if_cancelled();
}

}  // namespace prewarm
