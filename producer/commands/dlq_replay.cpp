#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include <CLI/CLI.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "common/amqp/publisher.hpp"
#include "common/base/text.hpp"
#include "producer/announcements.hpp"
#include "producer/commands/dlq.hpp"
#include "producer/dead_letters/letter_groups.hpp"
#include "producer/dead_letters/letter_walk.hpp"
#include "producer/dead_letters/replay.hpp"
#include "producer/dead_letters/replay_outcomes.hpp"
#include "producer/output.hpp"
#include "producer/progress.hpp"
#include "producer/runner.hpp"
#include "producer/time_arguments.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

constexpr auto farewell = 5s;

struct ReplayOptions {
    FilterOptions filter;
    std::string rate;
    bool dry_run = false;
    bool wait = false;
    std::uint64_t timeout = 600;  ///< Seconds.

    /// From one message to the next; 0: none asked for.
    std::chrono::nanoseconds interval() const {
        return rate.empty() ? std::chrono::nanoseconds{0} : *parse_rate(rate);
    }
};

/// The whole command: what is to be replayed is found out first, and then replayed.
class ReplayRun {
public:
    ReplayRun(const ReplayOptions& options, BrokerConfig broker, Invocation& invocation);

    ExitStatus run();

private:
    asio::awaitable<ExitStatus> work();
    asio::awaitable<void> choose(amqp::Connection& connection);
    void choose(const DeadLetter& letter);
    asio::awaitable<void> replay(amqp::Connection& connection);
    asio::awaitable<void> follow_outcomes(std::unique_ptr<Announcements> announcements);
    asio::awaitable<void> wait_for_outcomes();

    void told_replayed(const DeadLetter& letter);
    void told_not_replayed(const DeadLetter& letter, const Failure& why);
    void told_outcome(const ReplayOutcome& outcome);
    void tell_plan() const;
    void tell_how_far() const;
    std::ostream& results() const { return invocation_.json ? invocation_.err : invocation_.out; }
    std::string time_needed() const;

    const ReplayOptions& options_;
    BrokerConfig broker_;
    LetterFilter filter_;
    Invocation& invocation_;

    ChosenLetters chosen_;
    LetterTotals totals_;
    std::map<std::string, LetterTotals> by_reason_;
    std::uint64_t too_large_ = 0;
    MessageProgress progress_;
    bool replaying_ = false;
    ReplayOutcomes outcomes_;
    std::optional<Failure> outcomes_lost_;

    Runner runner_;
    asio::steady_timer outcome_came_{runner_.executor()};
    amqp::Publisher publisher_;
};

ReplayRun::ReplayRun(const ReplayOptions& options, BrokerConfig broker, Invocation& invocation)
    : options_{options},
      broker_{std::move(broker)},
      filter_{options.filter.filter()},
      invocation_{invocation},
      publisher_{runner_.executor(), {.connection = broker_.connection("dlq replay")}} {}

ExitStatus ReplayRun::run() {
    std::optional<ExitStatus> status;
    try {
        status = runner_.run(work());
    } catch (const CommandError&) {
        if (replaying_) tell_how_far();
        throw;
    }
    if (replaying_) tell_how_far();
    if (status && !runner_.interrupted()) return *status;
    throw CommandError{ExitStatus::work_failed, progress_.done < progress_.all
                                                    ? "interrupted; run it again to go on"
                                                    : "interrupted"};
}

asio::awaitable<ExitStatus> ReplayRun::work() {
    const auto connection = co_await connect_for("dlq replay", broker_);
    co_await choose(*connection);
    if (options_.dry_run) {
        co_await part_from(*connection);
        tell_plan();
        co_return ExitStatus::success;
    }
    if (totals_.messages > 0) co_await replay(*connection);
    co_await part_from(*connection);
    if (totals_.messages == 0) {
        results() << "0 messages replayed\n";
        co_return ExitStatus::success;
    }
    if (options_.wait && !runner_.interrupted()) co_await wait_for_outcomes();
    const bool all_well =
        progress_.done == progress_.all && outcomes_.failed() == 0 && outcomes_.missing() == 0;
    co_return all_well ? ExitStatus::success : ExitStatus::work_failed;
}

// ---- what is to be replayed --------------------------------------------------------------------

asio::awaitable<void> ReplayRun::choose(amqp::Connection& connection) {
    const auto looked = co_await look_at_letters(
        connection, broker_.names, filter_, [this](const DeadLetter& letter, const auto&) {
            if (letter.message_bytes > Replay::largest_body) {
                ++too_large_;
                return Take::give_back;
            }
            choose(letter);
            return options_.dry_run ? Take::give_back : Take::give_back_first;
        });
    tell_what_was_seen(looked, filter_, broker_.names, invocation_.err);
    if (too_large_ > 0) {
        tell(invocation_.err, fmt::format("{} left out: a message over {} is no event", too_large_,
                                          shown_bytes(Replay::largest_body)));
    }
}

void ReplayRun::choose(const DeadLetter& letter) {
    ++chosen_[letter.id];
    totals_.add(letter);
    by_reason_[letter.reason].add(letter);
}

std::string ReplayRun::time_needed() const {
    const auto interval = options_.interval();
    if (interval.count() == 0) return "at once";
    const auto time = interval * static_cast<std::int64_t>(totals_.messages - 1);
    return "in " + shown_duration(std::chrono::ceil<std::chrono::seconds>(time));
}

void ReplayRun::tell_plan() const {
    const auto interval = options_.interval();
    if (invocation_.json) {
        boost::json::array reasons;
        for (const auto& [reason, totals] : by_reason_) {
            reasons.push_back({{"reason", shown(reason)},
                               {"messages", totals.messages},
                               {"bytes", totals.message_bytes},
                               {"media_bytes", totals.media_bytes}});
        }
        boost::json::value seconds = nullptr;
        if (interval.count() > 0 && totals_.messages > 0) {
            seconds = std::chrono::duration<double>{interval}.count() *
                      static_cast<double>(totals_.messages - 1);
        }
        print_json(invocation_.out, {{"dry_run", true},
                                     {"messages", totals_.messages},
                                     {"bytes", totals_.message_bytes},
                                     {"media_bytes", totals_.media_bytes},
                                     {"seconds", seconds},
                                     {"by_reason", std::move(reasons)}});
        return;
    }
    if (totals_.messages > 0) {
        Table table{{"REASON", "MESSAGES", "BYTES", "MEDIA"}};
        for (const auto& [reason, totals] : by_reason_) {
            table.add({shown(reason), std::to_string(totals.messages),
                       shown_bytes(totals.message_bytes), shown_bytes(totals.media_bytes)});
        }
        table.print(invocation_.out);
    }
    invocation_.out << fmt::format(
        "{} ({}, media of {}) would be replayed{}\n",
        counted(totals_.messages, "message", "messages"), shown_bytes(totals_.message_bytes),
        shown_bytes(totals_.media_bytes), totals_.messages > 0 ? " " + time_needed() : "");
}

// ---- replaying ---------------------------------------------------------------------------------

asio::awaitable<void> ReplayRun::replay(amqp::Connection& connection) {
    if (options_.wait) {
        auto announcements = std::make_unique<Announcements>(runner_.executor());
        const auto following =
            co_await announcements->follow(broker_, "dlq replay --wait", "media.#");
        if (!following) throw following_error(following.error(), broker_);
        runner_.beside().spawn(follow_outcomes(std::move(announcements)));
    }
    LetterWalk walk{runner_.executor(),
                    connection,
                    {.queue = broker_.names.dead_letter_queue,
                     .window = Replay::window_at(options_.interval()),
                     .largest_body = Replay::largest_body}};
    const auto begun = co_await walk.begin();
    if (!begun) throw command_error(Dependency::broker, begun.error());

    replaying_ = true;
    progress_.all = totals_.messages;
    tell(invocation_.err,
         fmt::format("replaying {} {} (Ctrl-C ends it safely)",
                     counted(progress_.all, "message", "messages"), time_needed()));
    runner_.beside().spawn(publisher_.run());
    if (invocation_.err_is_terminal)
        runner_.beside().spawn(draw_progress(progress_, invocation_.err));
    Replay replay{
        runner_.executor(),
        walk,
        publisher_,
        broker_.names,
        options_.interval(),
        {.on_sending =
             [this](const DeadLetter& letter) {
                 if (options_.wait) outcomes_.expect(letter.id, letter.event_id);
             },
         .on_replayed = [this](const DeadLetter& letter) { told_replayed(letter); },
         .on_not_replayed = [this](const DeadLetter& letter,
                                   const Failure& why) { told_not_replayed(letter, why); }}};
    const auto replayed = co_await replay.run(std::move(chosen_), progress_);
    std::ignore = co_await publisher_.close(deadline_in(farewell));
    if (!replayed) throw command_error(Dependency::broker, replayed.error());
}

void ReplayRun::told_replayed(const DeadLetter& letter) {
    if (!invocation_.json) return;
    print_json(invocation_.out, {{"result", "replayed"},
                                 {"id", letter.id},
                                 {"event_id", shown(letter.event_id)},
                                 {"bot_slug", shown(letter.bot_slug)},
                                 {"reason", shown(letter.reason)},
                                 {"replays", letter.replays + 1}});
}

void ReplayRun::told_not_replayed(const DeadLetter& letter, const Failure& why) {
    outcomes_.forget(letter.id, letter.event_id);
    if (invocation_.err_is_terminal) erase_progress(invocation_.err);
    tell(invocation_.err, fmt::format("{} stays: {}", letter.id, why.detail));
}

// ---- what became of it -------------------------------------------------------------------------

/// Owns the announcements, so that their connection goes when it ends.
asio::awaitable<void> ReplayRun::follow_outcomes(std::unique_ptr<Announcements> announcements) {
    while (!outcomes_lost_) {
        const auto message = co_await announcements->next(Deadline::max());
        if (!message) {
            outcomes_lost_ = message.error();
        } else if (*message) {
            for (const auto& outcome : outcomes_.take((*message)->type, (*message)->body))
                told_outcome(outcome);
        }
        outcome_came_.cancel();
    }
}

void ReplayRun::told_outcome(const ReplayOutcome& outcome) {
    if (invocation_.json) {
        print_json(invocation_.out, {{"result", outcome.ready ? "ready" : "failed"},
                                     {"id", outcome.letter_id},
                                     {"event_id", shown(outcome.event_id)},
                                     {"announcement", boost::json::parse(outcome.json)}});
        return;
    }
    if (invocation_.err_is_terminal) erase_progress(invocation_.err);
    invocation_.out << outcome.letter_id << "  " << outcome.line << std::endl;
}

asio::awaitable<void> ReplayRun::wait_for_outcomes() {
    const auto deadline = deadline_in(std::chrono::seconds{options_.timeout});
    while (outcomes_.missing() > 0 && !outcomes_lost_) {
        if (std::chrono::steady_clock::now() >= deadline) co_return;
        outcome_came_.expires_at(deadline);
        boost::system::error_code woken;
        co_await outcome_came_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto cancelled = co_await asio::this_coro::cancellation_state;
        if (cancelled.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error{asio::error::operation_aborted};
    }
    if (outcomes_lost_) throw following_error(*outcomes_lost_, broker_);
}

void ReplayRun::tell_how_far() const {
    if (invocation_.err_is_terminal) erase_progress(invocation_.err);
    results() << fmt::format("{} of {} replayed", progress_.done,
                             counted(progress_.all, "message", "messages"));
    if (progress_.done < progress_.all) {
        results() << fmt::format("; what was not stays in {}, unless somebody else took it",
                                 broker_.names.dead_letter_queue);
    }
    results() << '\n';
    if (!options_.wait) return;
    results() << fmt::format("{} ready, {} failed again, {} without an answer", outcomes_.ready(),
                             outcomes_.failed(), outcomes_.missing());
    const auto followed = outcomes_.ready() + outcomes_.failed() + outcomes_.missing();
    if (progress_.done > followed) {
        results() << fmt::format(", {} without an event id to follow", progress_.done - followed);
    }
    results() << '\n';
}

ExitStatus replay(const ReplayOptions& options, Invocation& invocation) {
    config::Settings settings{invocation.environment};
    auto broker = broker_config(settings);
    settings.throw_if_wrong();
    return ReplayRun{options, std::move(broker), invocation}.run();
}

std::string wrong_with_rate(const std::string& text) {
    if (parse_rate(text)) return {};
    return fmt::format("`{}` is no rate: 5 or 0.5 a second, 5/s, 20/min, 1000/h; at least 6/h",
                       printable(text, 80));
}

constexpr auto details =
    "Each message goes to the service's queue as it first came (x-prewarm-replays counts), and\n"
    "leaves prewarm.dlq when RabbitMQ has confirmed the copy. Only what is there at the start is\n"
    "replayed: a message that dies again meanwhile waits for the next replay. Ctrl-C ends what is\n"
    "under way and leaves the rest; run it again to go on. Only a crash between a confirm and the\n"
    "removal leaves a message to be replayed twice, which the service answers without uploading\n"
    "it again.\n"
    "With --wait it shows what becomes of each message, and exits with 1 if one fails again or\n"
    "is not answered in time; for a message without a readable event id nothing can be waited.";

}  // namespace

void add_dlq_replay(CLI::App& dlq, Request& request) {
    auto options = std::make_shared<ReplayOptions>();
    auto& command =
        add_command(dlq, request, "replay", "Send dead letters to the service again", details,
                    [options](Invocation& invocation) { return replay(*options, invocation); });
    add_filter(command, options->filter);
    add_names(command, options->filter);
    command.add_option("--rate", options->rate, "At most so many a second, or 20/min, 1000/h")
        ->check(wrong_with_rate)
        ->type_name("N");
    command.add_flag("--dry-run", options->dry_run,
                     "Only say what would be replayed: how much, why it died, how long it takes");
    auto* wait = command.add_flag("--wait", options->wait,
                                  "Follow ready and failed events, and show each new outcome");
    command.add_option("--timeout", options->timeout, "Seconds to wait after the last message")
        ->needs(wait)
        ->capture_default_str();
}

}  // namespace prewarm::producer
