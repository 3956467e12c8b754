#include "producer/prewarmctl.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/text.hpp"
#include "producer/commands/commands.hpp"
#include "producer/output.hpp"

namespace prewarm::producer {
namespace {

/// What to say of a word that stands where a command is wanted and is none.
std::optional<std::string> unknown_command(const CLI::App& program,
                                           const std::vector<std::string>& arguments) {
    const auto* app = &program;
    for (const auto& argument : arguments) {
        const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
        // Options without a value may stand before a command.
        if (commands.empty()) return std::nullopt;
        if (argument.starts_with('-')) continue;
        const auto named = std::ranges::find_if(
            commands, [&](const CLI::App* command) { return command->check_name(argument); });
        if (named == commands.end()) {
            std::vector<std::string> names;
            for (const auto* command : commands)
                names.push_back(command->get_name());
            return fmt::format("`{}` is no command{}; there are: {}", printable(argument, 80),
                               app == &program ? "" : " of " + app->get_name(),
                               fmt::join(names, ", "));
        }
        app = *named;
    }
    return std::nullopt;
}

ExitStatus run(const Request& request, Invocation& invocation) {
    try {
        const auto status = request.run(invocation);
        if (invocation.out.flush()) return status;
        tell(invocation.err, "the output could not be written");
        return ExitStatus::work_failed;
    } catch (const config::ConfigError& error) {
        tell(invocation.err, error.what());
        return ExitStatus::wrong_usage;
    } catch (const CommandError& error) {
        tell(invocation.err, error.what());
        return error.status();
    }
}

}  // namespace

ExitStatus prewarmctl(std::vector<std::string> arguments, Invocation invocation) {
    CLI::App program{"Puts media into R2, tells the service, and shows what became of it.",
                     "prewarmctl"};
    program.set_version_flag("--version", "prewarmctl " PREWARM_VERSION);
    program.require_subcommand(1);
    program.footer(
        "Settings are read from the service's environment variables; NAME_FILE names a file that\n"
        "holds the value of NAME.\n"
        "Exit status: 0 success, 1 the work failed, 2 wrong usage or configuration.");
    Request request;
    add_migrate(program, request);
    add_topology(program, request);
    add_upload(program, request);
    add_publish(program, request);
    add_lookup(program, request);
    add_refused(program, request);
    add_status(program, request);
    add_events(program, request);
    add_dlq(program, request);

    if (const auto unknown = unknown_command(program, arguments)) {
        tell(invocation.err, *unknown);
        return ExitStatus::wrong_usage;
    }
    std::ranges::reverse(arguments);  // As CLI11 wants them.
    try {
        program.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        return program.exit(error, invocation.out, invocation.err) == 0 ? ExitStatus::success
                                                                        : ExitStatus::wrong_usage;
    }
    invocation.json = request.json;
    return run(request, invocation);
}

}  // namespace prewarm::producer
