/// What every subcommand is: how it is added, what it is given, how it ends.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <stdexcept>
#include <string>

#include "common/base/failure.hpp"
#include "common/config/settings.hpp"

namespace CLI {
class App;
}

namespace prewarm::producer {

enum class ExitStatus : std::uint8_t {
    success = 0,
    work_failed = 1,
    wrong_usage = 2,  ///< Or configuration.
};

/// What a command works with besides its own options.
struct Invocation {
    config::Environment environment;
    std::ostream& out;  ///< Results.
    std::ostream& err;  ///< Everything else.
    bool err_is_terminal = false;
    bool json = false;  ///< Results for programs: one object, or one a line.
};

using Run = std::function<ExitStatus(Invocation&)>;

/// What the arguments ask for.
struct Request {
    Run run;
    bool json = false;
};

/// A subcommand with `--json`, which each of them has; its help ends with `details`. When the
/// arguments name it, `run` is in `request` after parsing; both must stay alive until then.
CLI::App& add_command(CLI::App& program, Request& request, const std::string& name,
                      const std::string& summary, const std::string& details, Run run);

/// The command cannot go on: `main` tells why and ends with `status`.
class CommandError : public std::runtime_error {
public:
    CommandError(ExitStatus status, const std::string& text)
        : std::runtime_error{text}, status_{status} {}

    ExitStatus status() const { return status_; }

private:
    ExitStatus status_;
};

/// Whose failure it is; its name is that of the variable that says where to find it.
enum class Dependency : std::uint8_t { broker, database, storage };

/// What happened, and where to look.
std::string advice(Dependency dependency, const Failure& failure);

/// What is wrong with our settings is `wrong_usage`; anything else is failed work.
ExitStatus status_of(const Failure& failure);

CommandError command_error(Dependency dependency, const Failure& failure);

}  // namespace prewarm::producer
