#include <memory>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "producer/commands/dlq.hpp"
#include "producer/dead_letters/letter_groups.hpp"
#include "producer/dead_letters/letter_view.hpp"
#include "producer/output.hpp"
#include "producer/runner.hpp"

namespace prewarm::producer {
namespace {

// Summaries are held until all letters are back in the queue.
constexpr std::uint64_t most_listed = 100'000;
constexpr std::uint64_t most_shown = 100;
constexpr std::uint64_t most_shown_bytes = 64 * 1024 * 1024;

std::string cell(std::string_view text, std::size_t longest) {
    auto cell = shown(text);
    if (cell.size() <= longest) return cell;
    auto end = longest - 3;
    // Not in the middle of a character.
    while (end > 0 && (static_cast<unsigned char>(cell[end]) & 0xc0U) == 0x80U)
        --end;
    return cell.substr(0, end) + "...";
}

std::string time_cell(const std::optional<std::chrono::system_clock::time_point>& time) {
    return time ? shown_time(*time) : "?";
}

std::string size_cell(std::uint64_t bytes) {
    return bytes == 0 ? "?" : shown_bytes(bytes);
}

void print(const std::vector<LetterGroup>& groups, const Invocation& invocation) {
    if (invocation.json) {
        for (const auto& group : groups)
            print_json(invocation.out, json_of(group));
        return;
    }
    if (groups.empty()) return;
    Table table{{"MESSAGES", "REASON", "CAUSE", "OLDEST", "NEWEST", "BYTES", "MEDIA", "BOT"}};
    for (const auto& group : groups) {
        table.add({std::to_string(group.messages), shown(group.reason), cell(group.cause, 100),
                   time_cell(group.oldest), time_cell(group.newest),
                   shown_bytes(group.message_bytes), size_cell(group.media_bytes),
                   group.example_bot.empty() ? "?" : cell(group.example_bot, 64)});
    }
    table.print(invocation.out);
}

void print(const std::vector<DeadLetter>& letters, const Invocation& invocation) {
    if (invocation.json) {
        for (const auto& letter : letters)
            print_json(invocation.out, json_of(letter));
        return;
    }
    if (letters.empty()) return;
    Table table{{"ID", "DIED", "REASON", "BOT", "KIND", "MEDIA", "REPLAYS", "DETAIL"}};
    for (const auto& letter : letters) {
        table.add({letter.id, time_cell(letter.died_at), cell(letter.reason, 40),
                   letter.bot_slug.empty() ? "?" : cell(letter.bot_slug, 64),
                   letter.kind.empty() ? "?" : letter.kind, size_cell(letter.media_bytes),
                   std::to_string(letter.replays), cell(letter.detail, 80)});
    }
    table.print(invocation.out);
}

asio::awaitable<ExitStatus> show_groups(BrokerConfig broker, LetterFilter filter,
                                        const Invocation& invocation) {
    const auto connection = co_await connect_for("dlq groups", broker);
    LetterGroups groups;
    const auto looked = co_await look_at_letters(
        *connection, broker.names, filter, [&](const DeadLetter& letter, const amqp::Delivery&) {
            groups.add(letter);
            return Take::give_back;
        });
    co_await part_from(*connection);
    print(groups.by_size(), invocation);
    tell_what_was_seen(looked, filter, broker.names, invocation.err);
    co_return ExitStatus::success;
}

asio::awaitable<ExitStatus> list_letters(BrokerConfig broker, LetterFilter filter,
                                         const Invocation& invocation) {
    if (filter.limit == 0) filter.limit = most_listed;
    const auto connection = co_await connect_for("dlq list", broker);
    std::vector<DeadLetter> letters;
    const auto looked = co_await look_at_letters(
        *connection, broker.names, filter, [&](const DeadLetter& letter, const amqp::Delivery&) {
            letters.push_back(letter);
            return Take::give_back;
        });
    co_await part_from(*connection);
    print(letters, invocation);
    tell_what_was_seen(looked, filter, broker.names, invocation.err);
    co_return ExitStatus::success;
}

asio::awaitable<ExitStatus> show_letters(BrokerConfig broker, LetterFilter filter,
                                         const Invocation& invocation) {
    if (filter.limit == 0) filter.limit = most_shown;
    const auto connection = co_await connect_for("dlq show", broker);
    std::vector<std::pair<DeadLetter, amqp::Message>> letters;
    std::uint64_t bytes = 0;
    std::uint64_t left_out = 0;
    const auto looked =
        co_await look_at_letters(*connection, broker.names, filter,
                                 [&](const DeadLetter& letter, const amqp::Delivery& delivery) {
                                     bytes += letter.message_bytes;
                                     if (bytes <= most_shown_bytes || letters.empty()) {
                                         letters.emplace_back(letter, delivery.message);
                                     } else {
                                         ++left_out;
                                     }
                                     return Take::give_back;
                                 });
    co_await part_from(*connection);
    bool first = true;
    for (const auto& [letter, message] : letters) {
        if (invocation.json) {
            print_json(invocation.out, json_of(letter, message));
            continue;
        }
        if (!std::exchange(first, false)) invocation.out << '\n';
        print(letter, message, invocation.out);
    }
    tell_what_was_seen(looked, filter, broker.names, invocation.err);
    if (left_out > 0) {
        tell(invocation.err, fmt::format("{} more: too large to be shown together",
                                         counted(left_out, "message", "messages")));
    }
    co_return letters.empty() ? ExitStatus::work_failed : ExitStatus::success;
}

using Browse = asio::awaitable<ExitStatus> (*)(BrokerConfig, LetterFilter, const Invocation&);

ExitStatus run(Browse browse, const FilterOptions& options, const Invocation& invocation) {
    config::Settings settings{invocation.environment};
    auto broker = broker_config(settings);
    settings.throw_if_wrong();

    Runner runner;
    return run_to_end(runner, browse(std::move(broker), options.filter(), invocation));
}

ExitStatus show(const FilterOptions& options, const Invocation& invocation) {
    if (!options.filter().selects() && options.limit == 0) {
        throw CommandError{ExitStatus::wrong_usage,
                           "which? Give an id from `prewarmctl dlq list`, or a filter; --limit 1 "
                           "is the first"};
    }
    return run(show_letters, options, invocation);
}

}  // namespace

void add_dlq_groups(CLI::App& dlq, Request& request) {
    auto options = std::make_shared<FilterOptions>();
    auto& command = add_command(
        dlq, request, "groups", "Show what dead letters died of, and how many of what",
        "One row a cause: the detail without ids, keys, numbers and quotations. BYTES are those "
        "of\n"
        "the messages, MEDIA those of their objects. Looking is counted: see `prewarmctl dlq "
        "--help`.",
        [options](Invocation& invocation) { return run(show_groups, *options, invocation); });
    add_filter(command, *options);
    add_names(command, *options);
}

void add_dlq_list(CLI::App& dlq, Request& request) {
    auto options = std::make_shared<FilterOptions>();
    auto& command = add_command(
        dlq, request, "list", "Show dead letters, one a row",
        "An id stays the same however often a letter is looked at; letters that agree in\n"
        "everything share it. At most 100000 are shown, unless --limit says more. Looking is\n"
        "counted: see `prewarmctl dlq --help`.",
        [options](Invocation& invocation) { return run(list_letters, *options, invocation); });
    add_filter(command, *options);
    add_names(command, *options);
}

void add_dlq_show(CLI::App& dlq, Request& request) {
    auto options = std::make_shared<FilterOptions>();
    auto& command = add_command(
        dlq, request, "show", "Show dead letters whole: properties, headers, body",
        "An event is shown as protobuf JSON, any other body as text or in hex. All that match are\n"
        "shown, at most 100 unless --limit says more; exit 1 if there is none. Looking is "
        "counted:\n"
        "see `prewarmctl dlq --help`.",
        [options](Invocation& invocation) { return show(*options, invocation); });
    command
        .add_option("ids", options->names,
                    "Ids that `dlq list` shows, or their first four digits or more; or ids of "
                    "events or messages")
        ->type_name("ID");
    add_filter(command, *options);
}

}  // namespace prewarm::producer
