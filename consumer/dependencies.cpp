#include "consumer/dependencies.hpp"

#include <utility>

#include "common/log/log.hpp"
#include "common/runtime/deadline.hpp"

namespace prewarm {

using namespace std::chrono_literals;

asio::awaitable<void> Dependencies::watch(std::string name, std::chrono::milliseconds period,
                                          std::function<Task<>()> check) {
    states_.try_emplace(name);
    metrics_.set_dependency_up(name, false);
    while (true) {
        note(name, co_await with_deadline(deadline_in(5s), check(), name));
        co_await sleep_for(period);
    }
}

void Dependencies::note(const std::string& name, Result<> answer) {
    auto& state = states_[name];
    const bool was_up = state.up;
    const auto last_failure = state.failure;
    state.up = answer.has_value();
    state.failure = answer ? "" : answer.error().detail;
    metrics_.set_dependency_up(name, state.up);
    if (!state.up && state.failure != last_failure) {
        log::warn("dependency.down", "a dependency does not answer",
                  {{"name", name}, {"error", state.failure}});
    } else if (!was_up && state.up) {
        log::info("dependency.up", "a dependency answers", {{"name", name}});
    }
}

}  // namespace prewarm
