#include <memory>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "producer/commands/dlq.hpp"
#include "producer/dead_letters/letter_groups.hpp"
#include "producer/dead_letters/letter_view.hpp"
#include "producer/output.hpp"
#include "producer/runner.hpp"

namespace prewarm::producer {
namespace {

struct DropOptions {
    FilterOptions filter;
    bool yes = false;
    bool all = false;
    bool dry_run = false;
};

void check(const DropOptions& options) {
    if (!options.filter.filter().selects() && options.filter.limit == 0 && !options.all) {
        throw CommandError{ExitStatus::wrong_usage,
                           "this would drop every dead letter: say which with --reason, --bot, "
                           "--since, --id or --limit, or say --all"};
    }
    if (!options.yes && !options.dry_run) {
        throw CommandError{ExitStatus::wrong_usage,
                           "what is dropped is gone for good: say --yes, or --dry-run to see what "
                           "it would be"};
    }
}

asio::awaitable<ExitStatus> drop_letters(BrokerConfig broker, LetterFilter filter, bool dry_run,
                                         LetterTotals& dropped, const Invocation& invocation) {
    const auto connection = co_await connect_for("dlq drop", broker);
    const auto looked = co_await look_at_letters(
        *connection, broker.names, filter, [&](const DeadLetter& letter, const amqp::Delivery&) {
            dropped.add(letter);
            if (invocation.json) {
                auto line = json_of(letter);
                line["result"] = dry_run ? "would_be_dropped" : "dropped";
                print_json(invocation.out, line);
            }
            return dry_run ? Take::give_back : Take::remove;
        });
    co_await part_from(*connection);
    tell_what_was_seen(looked, filter, broker.names, invocation.err);
    co_return ExitStatus::success;
}

ExitStatus drop(const DropOptions& options, const Invocation& invocation) {
    check(options);
    config::Settings settings{invocation.environment};
    auto broker = broker_config(settings);
    settings.throw_if_wrong();

    Runner runner;
    LetterTotals dropped;
    const auto report = [&] {
        (invocation.json ? invocation.err : invocation.out)
            << fmt::format("{} ({}) {}dropped\n", counted(dropped.messages, "message", "messages"),
                           shown_bytes(dropped.message_bytes), options.dry_run ? "would be " : "");
    };
    try {
        const auto status =
            run_to_end(runner, drop_letters(std::move(broker), options.filter.filter(),
                                            options.dry_run, dropped, invocation));
        report();
        return status;
    } catch (const CommandError&) {
        report();
        throw;
    }
}

}  // namespace

void add_dlq_drop(CLI::App& dlq, Request& request) {
    auto options = std::make_shared<DropOptions>();
    auto& command = add_command(
        dlq, request, "drop", "Remove dead letters for good",
        "Those that match, and nothing else. With --json one object a letter, before it goes:\n"
        "`dlq show --json` with the same filter keeps their bodies.",
        [options](Invocation& invocation) { return drop(*options, invocation); });
    add_filter(command, options->filter);
    add_names(command, options->filter);
    command.add_flag("--yes", options->yes, "Really");
    command.add_flag("--all", options->all, "Without a filter: every one of them");
    command.add_flag("--dry-run", options->dry_run, "Only say what would be dropped");
}

}  // namespace prewarm::producer
