/// A breaker for each dependency: whether it answers is asked in the background, and at once when
/// a job was failed by it. Probes of ours are cheap, then, and no job is spent on an outage.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/metrics/registry.hpp"
#include "common/runtime/task.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

struct DependencyState {
    bool up = false;
    std::string failure = "not asked yet";  ///< Empty while up.
};

/// `metrics` outlives it; one loop's thread.
class Dependencies : public warm::Surroundings {
public:
    Dependencies(asio::any_io_executor executor, metrics::Registry& metrics);

    /// Asks with `check` every `period`, and more often while it is down, until cancelled. To be
    /// spawned once for each dependency: all of them are away until then.
    asio::awaitable<void> watch(Dependency dependency, std::chrono::milliseconds period,
                                std::function<Task<>()> check);

    /// Waits for an answer to a question that is asked after this call.
    asio::awaitable<bool> is_down(Dependency source, const MediaKey& failed) override;
    void works(Dependency source) override;
    std::optional<Failure> away() const override;

    DependencyState state_of(Dependency dependency) const;

    /// Called on the loop after one has gone or come back.
    std::function<void()> on_change;

private:
    struct Watched {
        explicit Watched(const asio::any_io_executor& executor);
        DependencyState state;
        std::uint64_t asked = 0;
        std::uint64_t answered = 0;
        std::uint64_t wanted = 0;      ///< The question that somebody waits for.
        asio::steady_timer next_time;  ///< Cancelled to ask at once.
        asio::steady_timer news;       ///< Cancelled when there is an answer.

        std::set<MediaKey> failed;  ///< A few of those since it last served a job.
        unsigned doubts = 0;        ///< How often it failed them although it answered.
        std::chrono::steady_clock::time_point doubted_until;
    };

    void note(Dependency dependency, Result<> answer);

    metrics::Registry& metrics_;
    std::map<Dependency, Watched> watched_;
};

}  // namespace prewarm
