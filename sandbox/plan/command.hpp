/// `prewarm-sandbox plan`.
#pragma once

#include <functional>

#include <CLI/App.hpp>

namespace prewarm::sandbox {

/// Adds the subcommand. The result prints what it answers, and gives the exit status.
std::function<int()> add_plan_command(CLI::App& app);

}  // namespace prewarm::sandbox
