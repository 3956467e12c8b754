#include "producer/command.hpp"

#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace prewarm::producer {
namespace {

std::string_view variables_of(Dependency dependency) {
    switch (dependency) {
        case Dependency::broker:
            return "RABBITMQ_URL";
        case Dependency::database:
            return "DATABASE_URL";
        case Dependency::storage:
            return "R2_ENDPOINT, R2_BUCKET, R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY";
    }
    return "the configuration";
}

}  // namespace

CLI::App& add_command(CLI::App& program, Request& request, const std::string& name,
                      const std::string& summary, const std::string& details, Run run) {
    auto& command = *program.add_subcommand(name, summary);
    command.footer(details);
    command.add_flag("--json", request.json, "Print JSON: one object, or one a line for lists");
    command.callback([&request, run = std::move(run)] { request.run = run; });
    return command;
}

std::string advice(Dependency dependency, const Failure& failure) {
    switch (failure.kind) {
        case FailureKind::unavailable:
            return fmt::format("{}\nCheck that it runs and can be reached, and see {}.",
                               failure.detail, variables_of(dependency));
        case FailureKind::misconfigured:
            return fmt::format("{}\nSee {}.", failure.detail, variables_of(dependency));
        default:
            return failure.detail;
    }
}

ExitStatus status_of(const Failure& failure) {
    return failure.kind == FailureKind::misconfigured ? ExitStatus::wrong_usage
                                                      : ExitStatus::work_failed;
}

CommandError command_error(Dependency dependency, const Failure& failure) {
    return {status_of(failure), advice(dependency, failure)};
}

}  // namespace prewarm::producer
