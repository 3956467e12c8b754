/// Threads for calls that block, so that the loop never does.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace prewarm {

namespace asio = boost::asio;

/// Calls wait in a queue for a free thread. Its destructor waits for the calls at work.
class BlockingPool {
public:
    explicit BlockingPool(std::size_t threads) : threads_{threads} {}

    /// The result of `call`, which runs on one of the pool's threads while the caller's coroutine
    /// waits on its own. What `call` throws is thrown here. Not interrupted by cancellation: a
    /// blocking call cannot be, and what it refers to must stay alive.
    template <class Call>
    auto run(Call call) -> asio::awaitable<std::invoke_result_t<Call&>> {
        using Value = std::invoke_result_t<Call&>;
        using Shown = std::conditional_t<std::is_void_v<Value>, bool, Value>;
        auto shown = co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                                   void(std::exception_ptr, std::optional<Shown>)>(
            [this](auto handler, Call work) {
                auto guard = asio::make_work_guard(asio::get_associated_executor(handler));
                asio::post(threads_, [guard = std::move(guard), handler = std::move(handler),
                                      work = std::move(work)]() mutable {
                    std::exception_ptr thrown;
                    std::optional<Shown> value;
                    try {
                        if constexpr (std::is_void_v<Value>) {
                            work();
                            value = true;
                        } else {
                            value.emplace(work());
                        }
                    } catch (...) {
                        thrown = std::current_exception();
                    }
                    const auto back = guard.get_executor();
                    asio::post(back, [handler = std::move(handler), thrown,
                                      value = std::move(value)]() mutable {
                        std::move(handler)(thrown, std::move(value));
                    });
                });
            },
            asio::use_awaitable, std::move(call));
        if constexpr (!std::is_void_v<Value>) co_return std::move(*shown);
    }

private:
    asio::thread_pool threads_;
};

}  // namespace prewarm
