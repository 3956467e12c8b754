#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "common/amqp/connection.hpp"
#include "common/media_store/media_store.hpp"
#include "producer/commands/commands.hpp"
#include "producer/config.hpp"
#include "producer/output.hpp"
#include "producer/runner.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

constexpr auto broker_time = 10s;
constexpr auto farewell = 2s;

struct Status {
    std::vector<amqp::QueueState> queues;
    std::vector<MediaCount> media;
    std::vector<std::string> problems;  ///< Why something is missing above.

    std::uint64_t parked() const;
    std::optional<std::chrono::milliseconds> oldest_warming() const;
};

std::uint64_t Status::parked() const {
    std::uint64_t sum = 0;
    for (const auto& count : media)
        sum += count.parked;
    return sum;
}

std::optional<std::chrono::milliseconds> Status::oldest_warming() const {
    std::optional<std::chrono::milliseconds> oldest;
    for (const auto& count : media) {
        if (count.status == MediaStatus::warming)
            oldest = std::max(oldest.value_or(count.oldest), count.oldest);
    }
    return oldest;
}

asio::awaitable<void> read_queues(const BrokerConfig& broker, Status& status) {
    const auto connection = co_await amqp::Connection::open(broker.connection("status"));
    if (!connection) {
        status.problems.push_back(advice(Dependency::broker, connection.error()));
        co_return;
    }
    const auto deadline = deadline_in(broker_time);
    for (const auto& name : {broker.names.upload_queue, broker.names.dead_letter_queue}) {
        // A channel each: the broker closes it when there is no such queue.
        const auto channel = co_await (*connection)->open_channel(deadline);
        if (!channel) {
            status.problems.push_back(advice(Dependency::broker, channel.error()));
            co_return;
        }
        auto queue = co_await (*channel)->inspect_queue(name, deadline);
        if (queue) {
            status.queues.push_back(std::move(*queue));
        } else if (queue.error().kind == FailureKind::refused) {
            status.problems.push_back(fmt::format(
                "{}\n`prewarmctl topology` makes what is missing.", queue.error().detail));
        } else {
            status.problems.push_back(advice(Dependency::broker, queue.error()));
        }
    }
    std::ignore = co_await (*connection)->close(deadline_in(farewell));
}

asio::awaitable<void> read_media(MediaStore& store, Status& status) {
    auto media = co_await store.overview();
    if (media) {
        status.media = std::move(*media);
    } else {
        status.problems.push_back(advice(Dependency::database, media.error()));
    }
}

std::int64_t seconds(std::chrono::milliseconds time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

boost::json::object json_of(const Status& status) {
    boost::json::array queues;
    for (const auto& queue : status.queues) {
        queues.push_back({{"name", queue.name},
                          {"ready_messages", queue.ready_messages},
                          {"consumers", queue.consumers}});
    }
    boost::json::array media;
    for (const auto& count : status.media) {
        media.push_back({{"bot_slug", count.bot_slug},
                         {"kind", name_of(count.kind)},
                         {"status", name_of(count.status)},
                         {"media", count.media},
                         {"at_work", count.at_work},
                         {"parked", count.parked},
                         {"retried", count.retried},
                         {"attempts_failed", count.attempts_failed},
                         {"oldest_seconds", seconds(count.oldest)}});
    }
    const auto longest = status.oldest_warming();
    // In parentheses: braces would make an array of it.
    const auto oldest =
        longest ? boost::json::value(seconds(*longest)) : boost::json::value(nullptr);
    return {{"queues", std::move(queues)},
            {"media", std::move(media)},
            {"parked", status.parked()},
            {"oldest_warming_seconds", oldest}};
}

void print(const Status& status, std::ostream& out) {
    if (!status.queues.empty()) {
        Table queues{{"QUEUE", "READY MESSAGES", "CONSUMERS"}};
        for (const auto& queue : status.queues) {
            queues.add({queue.name, std::to_string(queue.ready_messages),
                        std::to_string(queue.consumers)});
        }
        queues.print(out);
    }
    if (status.media.empty()) return;
    Table media{
        {"BOT", "KIND", "STATUS", "MEDIA", "AT WORK", "PARKED", "RETRIED", "LONGEST UNCHANGED"}};
    for (const auto& count : status.media) {
        media.add({count.bot_slug, std::string{name_of(count.kind)},
                   std::string{name_of(count.status)}, std::to_string(count.media),
                   std::to_string(count.at_work), std::to_string(count.parked),
                   std::to_string(count.retried), shown_duration(count.oldest)});
    }
    out << '\n';
    media.print(out);
    out << "\nparked: " << status.parked();
    if (const auto oldest = status.oldest_warming())
        out << ", longest warming: " << shown_duration(*oldest);
    out << '\n';
}

asio::awaitable<ExitStatus> gather_and_tell(const BrokerConfig& broker, MediaStore& store,
                                            const Invocation& invocation) {
    Status status;
    co_await read_queues(broker, status);
    co_await read_media(store, status);
    if (invocation.json) {
        print_json(invocation.out, json_of(status));
    } else {
        print(status, invocation.out);
    }
    for (const auto& problem : status.problems)
        tell(invocation.err, problem);
    co_return status.problems.empty() ? ExitStatus::success : ExitStatus::work_failed;
}

ExitStatus show_status(const Invocation& invocation) {
    config::Settings settings{invocation.environment};
    const auto broker = broker_config(settings);
    const auto database = database_config(settings);
    settings.throw_if_wrong();

    postgres::Pool pool{database};
    MediaStore store{pool};
    Runner runner;
    return run_to_end(runner, gather_and_tell(broker, store, invocation));
}

}  // namespace

void add_status(CLI::App& program, Request& request) {
    add_command(program, request, "status",
                "Show the queues' depths, and the media by bot, kind and status",
                "Needs RABBITMQ_URL and DATABASE_URL; shows what it can if one is away.",
                show_status);
}

}  // namespace prewarm::producer
