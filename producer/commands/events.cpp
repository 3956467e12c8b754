#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "common/amqp/connection.hpp"
#include "common/events/announcement.hpp"
#include "producer/announcement_line.hpp"
#include "producer/arguments.hpp"
#include "producer/commands/commands.hpp"
#include "producer/config.hpp"
#include "producer/output.hpp"
#include "producer/runner.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

constexpr auto setup_time = 10s;
constexpr std::uint16_t most_held = 256;  // Of what is not printed yet.

struct EventsOptions {
    std::string bot;
    std::uint64_t count = 0;    ///< 0: no end.
    std::uint64_t timeout = 0;  ///< Seconds; 0: no end.
};

/// What a queue of our own gets of the announcements, from `follow` on.
class Announcements {
public:
    explicit Announcements(asio::any_io_executor executor) : changed_{std::move(executor)} {}

    Task<> follow(BrokerConfig broker, std::string routing_key);
    /// The next one; nothing when time is up first.
    Task<std::optional<amqp::Message>> next(Deadline deadline);

private:
    asio::steady_timer changed_;
    std::deque<amqp::Delivery> held_;
    std::optional<Failure> lost_;
    std::unique_ptr<amqp::Connection> connection_;  // These two go first: they call back.
    std::shared_ptr<amqp::Channel> channel_;
};

Task<> Announcements::follow(BrokerConfig broker, std::string routing_key) {
    auto connection = co_await amqp::Connection::open(broker.connection("events"));
    if (!connection) co_return connection.error();
    connection_ = std::move(*connection);
    const auto deadline = deadline_in(setup_time);
    auto channel = co_await connection_->open_channel(deadline);
    if (!channel) co_return channel.error();
    channel_ = std::move(*channel);
    const auto queue = co_await channel_->declare_queue(
        {.name = "", .durable = false, .exclusive = true, .auto_delete = true}, deadline);
    if (!queue) co_return queue.error();
    const auto bound = co_await channel_->bind_queue(queue->name, broker.names.media_exchange,
                                                     routing_key, deadline);
    if (!bound) co_return bound.error();
    const auto bounded = co_await channel_->prefetch(most_held, deadline);
    if (!bounded) co_return bounded.error();
    amqp::ChannelEvents events;
    events.on_delivery = [this](amqp::Delivery delivery) {
        held_.push_back(std::move(delivery));
        changed_.cancel();
    };
    events.on_consumer_cancelled = [this](const std::string& why) {
        lost_ = Failure{FailureKind::unavailable, why};
        changed_.cancel();
    };
    events.on_closed = [this](const Failure& why) {
        lost_ = why;
        changed_.cancel();
    };
    channel_->listen(std::move(events));
    const auto tag = co_await channel_->consume(queue->name, deadline);
    if (!tag) co_return tag.error();
    co_return Result<>{};
}

Task<std::optional<amqp::Message>> Announcements::next(Deadline deadline) {
    while (held_.empty()) {
        if (lost_) co_return *lost_;
        if (std::chrono::steady_clock::now() >= deadline) co_return std::nullopt;
        changed_.expires_at(deadline);
        boost::system::error_code ignored;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    auto delivery = std::move(held_.front());
    held_.pop_front();
    channel_->ack(delivery.tag.number);
    co_return std::optional{std::move(delivery.message)};
}

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

/// What cannot go on, with what to do about it.
CommandError following_error(const Failure& failure, const BrokerConfig& broker) {
    if (failure.kind != FailureKind::refused) return command_error(Dependency::broker, failure);
    return {ExitStatus::work_failed,
            fmt::format("{}\nIf the exchange `{}` is missing, `prewarmctl topology` "
                        "makes it.",
                        failure.detail, broker.names.media_exchange)};
}

asio::awaitable<ExitStatus> follow(BrokerConfig broker, EventsOptions options,
                                   const Invocation& invocation) {
    const auto routing_key =
        options.bot.empty() ? std::string{"media.#"} : fmt::format("media.*.{}.*", options.bot);
    Announcements announcements{co_await asio::this_coro::executor};
    const auto following = co_await announcements.follow(broker, routing_key);
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
