#include "producer/commands/dlq.hpp"

#include <chrono>
#include <tuple>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/text.hpp"
#include "producer/arguments.hpp"
#include "producer/commands/commands.hpp"
#include "producer/output.hpp"
#include "producer/time_arguments.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

constexpr auto farewell = 5s;
// RabbitMQ 4.0 to 4.2 drop a message that comes back for the 20th time or so, if nobody says
// otherwise; the dead letters' queue has nowhere to put it.
constexpr std::uint64_t worn_out_at = 12;

constexpr auto details =
    "Dead letters are what the service gave up on, with the reason, and what RabbitMQ took out of\n"
    "the service's queue itself. They stay in the queue prewarm.dlq until they are replayed or\n"
    "dropped.\n"
    "\n"
    "Looking is counted: each of these commands takes the letters out of the queue and gives them\n"
    "back, in their order; meanwhile nobody else sees them. RabbitMQ 4.0 to 4.2 drop a letter "
    "that\n"
    "was handed out more than 20 times, unless a policy says otherwise:\n"
    "  rabbitmqctl set_policy prewarm-dlq '^prewarm\\.dlq$' '{\"delivery-limit\": 1000000}'\n"
    "\n"
    "All need RABBITMQ_URL; RABBITMQ_PREFIX is put before every name.";

std::string wrong_with_since(const std::string& text) {
    if (parse_since(text, system_clock::now())) return {};
    return fmt::format("`{}` is no time: 2026-11-21T10:50:00Z, or how long ago: 90s, 30m, 2h, 7d",
                       printable(text, 80));
}

std::string reasons_seen(const Looked& looked) {
    std::vector<std::string> reasons;
    for (const auto& [reason, count] : looked.reasons)
        reasons.push_back(fmt::format("{} ({})", reason, count));
    return fmt::format("{}", fmt::join(reasons, ", "));
}

}  // namespace

LetterFilter FilterOptions::filter() const {
    LetterFilter filter{
        .reasons = reasons, .bot = bot, .since = {}, .names = names, .limit = limit};
    if (!since.empty()) filter.since = parse_since(since, system_clock::now());
    return filter;
}

void add_filter(CLI::App& command, FilterOptions& options) {
    command
        .add_option("--reason", options.reasons,
                    "Only what died of this, such as OBJECT_MISSING or delivery_limit; may be "
                    "repeated")
        ->allow_extra_args(false)
        ->type_name("REASON");
    add_bot(command, "--bot", options.bot, "Only this bot's");
    command
        .add_option("--since", options.since,
                    "Only what died since then: RFC 3339, or how long ago, such as 30m, 2h, 7d")
        ->check(wrong_with_since)
        ->type_name("TIME");
    command.add_option("--limit", options.limit, "Only the first N that match")
        ->check(CLI::PositiveNumber)
        ->type_name("N");
}

void add_names(CLI::App& command, FilterOptions& options) {
    command
        .add_option("--id", options.names,
                    "Only the one with this id, as `dlq list` shows it, or with this event or "
                    "message id; may be repeated")
        ->allow_extra_args(false)
        ->type_name("ID");
}

asio::awaitable<std::unique_ptr<amqp::Connection>> connect_for(std::string command,
                                                               BrokerConfig broker) {
    auto connection = co_await amqp::Connection::open(broker.connection(command));
    if (!connection) throw command_error(Dependency::broker, connection.error());
    co_return std::move(*connection);
}

asio::awaitable<void> part_from(amqp::Connection& connection) {
    std::ignore = co_await connection.close(deadline_in(farewell));
}

asio::awaitable<Looked> look_at_letters(amqp::Connection& connection, topology::Names names,
                                        LetterFilter filter, Found found) {
    auto looked = co_await look_through(connection, names.dead_letter_queue, std::move(filter),
                                        std::move(found));
    if (looked) co_return std::move(*looked);
    if (looked.error().kind != FailureKind::refused)
        throw command_error(Dependency::broker, looked.error());
    throw CommandError{ExitStatus::work_failed,
                       fmt::format("{}\nIf the queue `{}` is missing, `prewarmctl topology` makes "
                                   "it.",
                                   looked.error().detail, names.dead_letter_queue)};
}

void tell_what_was_seen(const Looked& looked, const LetterFilter& filter,
                        const topology::Names& names, std::ostream& err) {
    if (looked.seen == 0) {
        tell(err, fmt::format("there are no messages in {}", names.dead_letter_queue));
    } else if (looked.matched == 0) {
        tell(err, fmt::format("none of {} in {} matches; they are {}",
                              counted(looked.seen, "message", "messages"), names.dead_letter_queue,
                              reasons_seen(looked)));
    } else if (looked.seen < looked.waiting && looked.seen == most_looked_at) {
        tell(err, fmt::format("only the first {} of {} messages were looked at", looked.seen,
                              looked.waiting));
    } else if (looked.seen < looked.waiting && looked.matched == filter.limit) {
        tell(err, fmt::format("--limit {} ended it after {} of {} messages", filter.limit,
                              looked.seen, looked.waiting));
    }
    if (looked.most_handed_out >= worn_out_at) {
        tell(err, fmt::format("messages here were handed out up to {} times before, and RabbitMQ "
                              "4.0 to 4.2 drop one after 20: see `prewarmctl dlq --help`",
                              looked.most_handed_out));
    }
}

void add_dlq(CLI::App& program, Request& request) {
    auto& dlq = *program.add_subcommand("dlq", "Look through dead letters, replay or drop them");
    dlq.require_subcommand(1);
    dlq.footer(details);
    add_dlq_groups(dlq, request);
    add_dlq_list(dlq, request);
    add_dlq_show(dlq, request);
    add_dlq_replay(dlq, request);
    add_dlq_drop(dlq, request);
}

}  // namespace prewarm::producer
