/// Runs a coroutine on a loop of its own until it ends.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace prewarm::test {

/// What `task` returns; what it throws is thrown here. `loop` runs dry first, so what the task
/// left behind has ended too. A loop that never ends is caught by ctest's time limit.
template <class T>
T run_to_end(boost::asio::io_context& loop, boost::asio::awaitable<T> task) {
    std::optional<T> value;
    std::exception_ptr thrown;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr error, T result) {
        thrown = error;
        if (!error) value.emplace(std::move(result));
    });
    loop.restart();
    loop.run();
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*value);
}

inline void run_to_end(boost::asio::io_context& loop, boost::asio::awaitable<void> task) {
    std::exception_ptr thrown;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr error) { thrown = error; });
    loop.restart();
    loop.run();
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace prewarm::test
