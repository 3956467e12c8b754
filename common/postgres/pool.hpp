/// PostgreSQL for coroutines: libpqxx, which blocks, on a few threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "common/base/secret.hpp"
#include "common/runtime/blocking_pool.hpp"
#include "common/runtime/task.hpp"

namespace pqxx {
class connection_base;
}

namespace prewarm::postgres {

struct PoolOptions {
    Secret url;  ///< As libpq takes it; what it says wins over the options below.
    std::size_t connections = 4;
    std::string application_name = "prewarm";
    std::chrono::milliseconds connect_timeout{3000};
    std::chrono::milliseconds call_timeout{10'000};  ///< From `run` to its end, the queue included.
};

/// As many threads as connections. Connections are made when first needed and kept; a broken one
/// is thrown away. After a connection could not be made, calls fail at once, except one at a time
/// that tries again after a short wait, which grows with each failure.
///
/// Used from one loop's thread, and outlives the coroutines that use it. Construction neither
/// connects nor fails: a wrong URL is what every call then says.
class Pool {
public:
    explicit Pool(PoolOptions options);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// What `call(connection)` returns, run on another thread with a connection that nobody else
    /// uses meanwhile. Failures of libpqxx's become values: `unavailable` when the server is away
    /// or too slow, `misconfigured` when it refuses our credentials, database or rights, `refused`
    /// when these values can never be stored, `transient` otherwise. Anything else that `call`
    /// throws is a bug and is thrown here.
    ///
    /// When time is up the connection is cut, so that a server that went silent holds no thread.
    /// Cancelling does not interrupt it: the call ends first, and may have taken effect.
    template <class Call>
    auto run(Call call) -> Task<std::invoke_result_t<Call&, pqxx::connection_base&>> {
        return run_within(default_timeout(), std::move(call));
    }

    /// The same with a time limit of its own, for what takes longer.
    template <class Call>
    auto run_within(std::chrono::milliseconds timeout, Call call)
        -> Task<std::invoke_result_t<Call&, pqxx::connection_base&>> {
        using Value = std::invoke_result_t<Call&, pqxx::connection_base&>;
        if constexpr (std::is_void_v<Value>) {
            co_return co_await run_erased(timeout, std::ref(call));
        } else {
            std::optional<Value> value;
            auto ran = co_await run_erased(timeout, [&](pqxx::connection_base& connection) {
                value.emplace(call(connection));
            });
            if (!ran) co_return ran.error();
            co_return std::move(*value);
        }
    }

    /// One round trip, to learn whether the server answers.
    Task<> ping();

private:
    struct State;  // Shared with calls at work and with the timers that cut them short.

    std::chrono::milliseconds default_timeout() const;
    Task<> run_erased(std::chrono::milliseconds timeout,
                      std::function<void(pqxx::connection_base&)> call);

    std::shared_ptr<State> state_;
    BlockingPool threads_;  // Last, so that its calls end before what they use.
};

}  // namespace prewarm::postgres
