#include <memory>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/events/announcement.hpp"
#include "producer/announcement_line.hpp"
#include "producer/announcements.hpp"
#include "producer/arguments.hpp"
#include "producer/commands/commands.hpp"
#include "producer/config.hpp"
#include "producer/output.hpp"
#include "producer/runner.hpp"

namespace prewarm::producer {
namespace {

struct EventsOptions {
    std::string bot;
    std::uint64_t count = 0;    ///< 0: no end.
    std::uint64_t timeout = 0;  ///< Seconds; 0: no end.
};

/// False when it cannot be read.
bool print(const amqp::Message& message, const Invocation& invocation) {
    const auto line = invocation.json ? events::announcement_as_json(message.type, message.body)
                                      : announcement_line(message.type, message.body).value_or("");
    if (line.empty()) {
        tell(invocation.err,
             fmt::format("passed over a message of type `{}`, which is neither ready nor failed",
                         message.type));
        return false;
    }
    invocation.out << line << std::endl;
    return true;
}

asio::awaitable<ExitStatus> follow(BrokerConfig broker, EventsOptions options,
                                   const Invocation& invocation) {
    const auto routing_key =
        options.bot.empty() ? std::string{"media.#"} : fmt::format("media.*.{}.*", options.bot);
    Announcements announcements{co_await asio::this_coro::executor};
    const auto following = co_await announcements.follow(broker, "events", routing_key);
    if (!following) throw following_error(following.error(), broker);
    tell(invocation.err,
         fmt::format("following {} of {} (Ctrl-C ends)", routing_key, broker.names.media_exchange));

    const auto deadline =
        options.timeout == 0 ? Deadline::max() : deadline_in(std::chrono::seconds{options.timeout});
    std::uint64_t printed = 0;
    while (options.count == 0 || printed < options.count) {
        const auto message = co_await announcements.next(deadline);
        if (!message) throw following_error(message.error(), broker);
        if (!*message) {
            if (options.count == 0) co_return ExitStatus::success;
            throw CommandError{ExitStatus::work_failed,
                               fmt::format("{} of {} events came within {} s", printed,
                                           options.count, options.timeout)};
        }
        if (print(**message, invocation)) ++printed;
    }
    co_return ExitStatus::success;
}

ExitStatus follow_events(const EventsOptions& options, const Invocation& invocation) {
    config::Settings settings{invocation.environment};
    auto broker = broker_config(settings);
    settings.throw_if_wrong();

    Runner runner;
    // Being interrupted is how following usually ends.
    return runner.run(follow(std::move(broker), options, invocation)).value_or(ExitStatus::success);
}

}  // namespace

void add_events(CLI::App& program, Request& request) {
    auto options = std::make_shared<EventsOptions>();
    auto& command = add_command(
        program, request, "events", "Follow ready and failed events as they are announced",
        "One a line; with --json as protobuf JSON. What was announced before is not shown. Says "
        "on\n"
        "stderr when it begins: what is announced from then on is seen. Ctrl-C ends it with 0.\n"
        "Needs RABBITMQ_URL.",
        [options](Invocation& invocation) { return follow_events(*options, invocation); });
    add_bot(command, "--bot", options->bot, "Only this bot's");
    command.add_option("--count", options->count, "End after so many events");
    command.add_option("--timeout", options->timeout,
                       "End after so many seconds; exit 1 if --count was not reached");
}

}  // namespace prewarm::producer
