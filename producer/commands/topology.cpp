#include "common/topology/topology.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "common/amqp/connection.hpp"
#include "producer/commands/commands.hpp"
#include "producer/config.hpp"
#include "producer/output.hpp"
#include "producer/runner.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

constexpr auto declare_time = 15s;
constexpr auto farewell = 2s;

asio::awaitable<ExitStatus> declare_and_tell(BrokerConfig broker, const Invocation& invocation) {
    auto connection = co_await amqp::Connection::open(broker.connection("topology"));
    if (!connection) throw command_error(Dependency::broker, connection.error());
    const auto declared =
        co_await topology::declare(**connection, broker.names, deadline_in(declare_time));
    // What differs is no matter of the settings: the failure itself says what to do.
    if (!declared) throw CommandError{status_of(declared.error()), declared.error().detail};
    std::ignore = co_await (*connection)->close(deadline_in(farewell));

    const auto& names = broker.names;
    if (invocation.json) {
        print_json(invocation.out,
                   {{"exchanges",
                     {names.upload_exchange, names.dead_letter_exchange, names.media_exchange}},
                    {"queues", {names.upload_queue, names.dead_letter_queue}}});
        co_return ExitStatus::success;
    }
    Table table{{"KIND", "NAME", "FOR"}};
    table.add({"exchange", names.upload_exchange, "upload events"});
    table.add({"queue", names.upload_queue, "upload events"});
    table.add({"exchange", names.dead_letter_exchange, "what cannot work"});
    table.add({"queue", names.dead_letter_queue, "what cannot work"});
    table.add({"exchange", names.media_exchange, "ready and failed events"});
    table.print(invocation.out);
    co_return ExitStatus::success;
}

ExitStatus declare_topology(const Invocation& invocation) {
    config::Settings settings{invocation.environment};
    auto broker = broker_config(settings);
    settings.throw_if_wrong();

    Runner runner;
    return run_to_end(runner, declare_and_tell(std::move(broker), invocation));
}

}  // namespace

void add_topology(CLI::App& program, Request& request) {
    add_command(program, request, "topology",
                "Make the exchanges and queues that are missing, check the others",
                "One that differs is an error and stays as it is.\n"
                "Needs RABBITMQ_URL; RABBITMQ_PREFIX is put before every name.",
                declare_topology);
}

}  // namespace prewarm::producer
