/// Several coroutines at once, as one.
#pragma once

#include <exception>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace prewarm::producer {

namespace asio = boost::asio;

/// Ends when all have ended; the first exception of any of them cancels the others and is thrown
/// here. Cancelling it cancels them all.
inline asio::awaitable<void> side_by_side(std::vector<asio::awaitable<void>> tasks) {
    if (tasks.empty()) co_return;
    const auto executor = co_await asio::this_coro::executor;
    using Spawned = decltype(asio::co_spawn(executor, std::move(tasks.front()), asio::deferred));
    std::vector<Spawned> spawned;
    spawned.reserve(tasks.size());
    for (auto& task : tasks)
        spawned.push_back(asio::co_spawn(executor, std::move(task), asio::deferred));
    const auto [order, thrown] =
        co_await asio::experimental::make_parallel_group(std::move(spawned))
            .async_wait(asio::experimental::wait_for_one_error{}, asio::use_awaitable);
    for (const auto first : order) {
        if (thrown[first]) std::rethrow_exception(thrown[first]);
    }
}

}  // namespace prewarm::producer
