/// Whether what we depend on answers: asked in the background, so that a probe of ours is cheap.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/metrics/registry.hpp"
#include "common/runtime/task.hpp"
#include "common/runtime/task_group.hpp"

namespace prewarm {

struct DependencyState {
    bool up = false;
    std::string failure = "not asked yet";  ///< Empty while up.
};

/// `metrics` outlives it; one loop's thread.
class Dependencies {
public:
    explicit Dependencies(metrics::Registry& metrics) : metrics_{metrics} {}

    /// Asks with `check` every `period`, until cancelled; spawned once for each dependency.
    asio::awaitable<void> watch(std::string name, std::chrono::milliseconds period,
                                std::function<Task<>()> check);

    const std::map<std::string, DependencyState>& states() const { return states_; }

private:
    void note(const std::string& name, Result<> answer);

    metrics::Registry& metrics_;
    std::map<std::string, DependencyState> states_;
};

}  // namespace prewarm
