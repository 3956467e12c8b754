#include "consumer/dependencies.hpp"

#include <algorithm>
#include <utility>

#include "common/log/log.hpp"
#include "common/runtime/backoff.hpp"
#include "common/runtime/deadline.hpp"
#include "common/runtime/wait.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

constexpr auto answers_in = 5s;
constexpr std::chrono::milliseconds period_while_down = 500ms;

// So many media in a row are no coincidence.
constexpr std::size_t failed_media_in_a_row = 5;
constexpr std::chrono::milliseconds longest_doubt = 4s;

}  // namespace

Dependencies::Watched::Watched(const asio::any_io_executor& executor)
    : next_time{executor}, news{never(executor)} {}

Dependencies::Dependencies(asio::any_io_executor executor, metrics::Registry& metrics)
    : metrics_{metrics} {
    for (const auto dependency : all_dependencies)
        watched_.try_emplace(dependency, executor);
}

asio::awaitable<void> Dependencies::watch(Dependency dependency, std::chrono::milliseconds period,
                                          std::function<Task<>()> check) {
    auto& watched = watched_.at(dependency);
    metrics_.set_dependency_up(name_of(dependency), false);
    metrics_.set_breaker_open(name_of(dependency), true);
    while (true) {
        const auto question = ++watched.asked;
        auto answer = co_await with_deadline(deadline_in(answers_in), check(),
                                             std::string{name_of(dependency)});
        if (!answer || std::chrono::steady_clock::now() >= watched.doubted_until)
            note(dependency, std::move(answer));
        watched.answered = question;
        watched.news.cancel();
        if (watched.wanted > watched.asked) continue;
        watched.next_time.expires_after(watched.state.up ? period
                                                         : std::min(period, period_while_down));
        co_await wake_up(watched.next_time);
    }
}

void Dependencies::works(Dependency source) {
    auto& watched = watched_.at(source);
    watched.failed.clear();
    watched.doubts = 0;
}

void Dependencies::note(Dependency dependency, Result<> answer) {
    const auto name = name_of(dependency);
    auto& state = watched_.at(dependency).state;
    const bool was_up = state.up;
    const auto last_failure = state.failure;
    state.up = answer.has_value();
    state.failure = answer ? "" : answer.error().detail;
    if (!state.up && state.failure != last_failure) {
        log::warn("dependency.down", "a dependency does not answer: no work is begun",
                  {{"name", name}, {"error", state.failure}});
    } else if (!was_up && state.up) {
        log::info("dependency.up", "a dependency answers", {{"name", name}});
    }
    if (was_up == state.up) return;
    metrics_.set_dependency_up(name, state.up);
    metrics_.set_breaker_open(name, !state.up);
    if (on_change) on_change();
}

asio::awaitable<bool> Dependencies::is_down(Dependency source, const MediaKey& failed) {
    auto& watched = watched_.at(source);
    if (watched.failed.size() < failed_media_in_a_row) watched.failed.insert(failed);
    const auto question = watched.asked + 1;
    watched.wanted = std::max(watched.wanted, question);
    watched.next_time.cancel();
    while (watched.state.up && watched.answered < question)
        co_await wake_up(watched.news);
    if (watched.state.up && watched.failed.size() >= failed_media_in_a_row) {
        watched.doubted_until =
            std::chrono::steady_clock::now() +
            full_jitter(period_while_down, longest_doubt, watched.doubts++, 1.0);
        note(source,
             Failure{FailureKind::unavailable, "it answers, but fails one media after the other"});
        watched.next_time.cancel();
    }
    co_return !watched.state.up;
}

std::optional<Failure> Dependencies::away() const {
    for (const auto& [dependency, watched] : watched_) {
        if (watched.state.up) continue;
        return Failure{
            .kind = FailureKind::unavailable,
            .detail = std::string{name_of(dependency)} + " is away: " + watched.state.failure,
            .source = dependency};
    }
    return std::nullopt;
}

DependencyState Dependencies::state_of(Dependency dependency) const {
    return watched_.at(dependency).state;
}

}  // namespace prewarm
