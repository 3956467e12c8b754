#include "common/postgres/migrate.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "producer/commands/commands.hpp"
#include "producer/config.hpp"
#include "producer/output.hpp"
#include "producer/runner.hpp"

namespace prewarm::producer {
namespace {

asio::awaitable<ExitStatus> migrate_and_tell(postgres::Pool& pool, const Invocation& invocation) {
    const auto applied = co_await postgres::migrate(pool);
    if (!applied) throw command_error(Dependency::database, applied.error());
    if (invocation.json) {
        const boost::json::array names(applied->begin(), applied->end());
        print_json(invocation.out, {{"applied", names}});
        co_return ExitStatus::success;
    }
    for (const auto& name : *applied)
        invocation.out << "applied " << name << '\n';
    if (applied->empty()) invocation.out << "the database is up to date\n";
    co_return ExitStatus::success;
}

ExitStatus migrate(const Invocation& invocation) {
    config::Settings settings{invocation.environment};
    const auto database = database_config(settings);
    settings.throw_if_wrong();

    postgres::Pool pool{database};
    Runner runner;
    return run_to_end(runner, migrate_and_tell(pool, invocation));
}

}  // namespace

void add_migrate(CLI::App& program, Request& request) {
    add_command(program, request, "migrate", "Bring the database's tables up to date",
                "Safe while the service runs. Needs DATABASE_URL.", migrate);
}

}  // namespace prewarm::producer
