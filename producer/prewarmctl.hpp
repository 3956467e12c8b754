/// The program, but for `main`: arguments in, exit status out.
#pragma once

#include <string>
#include <vector>

#include "producer/command.hpp"

namespace prewarm::producer {

/// `arguments` are those after the program's name. Everything that goes wrong is told on
/// `invocation.err`.
ExitStatus prewarmctl(std::vector<std::string> arguments, Invocation invocation);

}  // namespace prewarm::producer
