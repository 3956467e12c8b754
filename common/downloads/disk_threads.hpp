/// Threads for a disk that may hang.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "common/runtime/wait.hpp"

namespace prewarm::downloads {

/// Unlike BlockingPool it lets its callers go, when they are cancelled or have waited enough; so a
/// call owns all that it uses. It must not throw. On one thread, calls run in the order they came.
/// The destructor waits for all of them.
class DiskThreads {
public:
    DiskThreads(asio::any_io_executor executor, std::size_t threads)
        : executor_{std::move(executor)}, threads_{threads} {}
    ~DiskThreads() { threads_.join(); }
    DiskThreads(const DiskThreads&) = delete;
    DiskThreads& operator=(const DiskThreads&) = delete;

    /// What `call` returns, if it does so in time. If not, it takes effect later, or has.
    template <class Call>
    auto run(std::chrono::milliseconds patience, Call call)
        -> asio::awaitable<std::optional<std::invoke_result_t<Call&>>> {
        struct Answer {
            std::optional<std::invoke_result_t<Call&>> value;
            asio::steady_timer given;
        };
        auto answer =
            std::make_shared<Answer>(std::nullopt, asio::steady_timer{executor_, patience});
        asio::post(threads_, [answer, executor = executor_, work = std::move(call)]() mutable {
            auto value = work();
            asio::post(executor, [answer = std::move(answer), value = std::move(value)]() mutable {
                answer->value.emplace(std::move(value));
                answer->given.cancel();
            });
        });
        co_await wake_up(answer->given);
        co_return std::move(answer->value);
    }

    /// Nobody waits for it.
    template <class Call>
    void post(Call call) {
        asio::post(threads_, std::move(call));
    }

private:
    asio::any_io_executor executor_;
    asio::thread_pool threads_;
};

}  // namespace prewarm::downloads
