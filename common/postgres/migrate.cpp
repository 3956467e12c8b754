#include "common/postgres/migrate.hpp"

#include <map>

#include <pqxx/nontransaction>
#include <pqxx/result>
#include <pqxx/transaction>

#include "common/base/media.hpp"

namespace prewarm::postgres {
namespace {

/// What the database has been given, by number.
struct Applied {
    std::string name;
    std::string checksum;
};

constexpr auto create_record =
    "CREATE TABLE IF NOT EXISTS prewarm_migrations ("
    " number integer PRIMARY KEY,"
    " name text NOT NULL,"
    " checksum text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now())";

/// Any number will do that no other user of the database locks: "prewarm" in ASCII.
constexpr auto lock = "SELECT pg_advisory_xact_lock(31650977511731821)";

constexpr std::chrono::hours time_limit{1};

std::map<int, Applied> applied_in(pqxx::transaction_base& transaction) {
    std::map<int, Applied> all;
    const auto exists = transaction.exec("SELECT to_regclass('prewarm_migrations') IS NOT NULL");
    if (!exists[0][0].as<bool>()) return all;
    for (const auto& row :
         transaction.exec("SELECT number, name, checksum FROM prewarm_migrations")) {
        all[row[0].as<int>()] = {row[1].as<std::string>(), row[2].as<std::string>()};
    }
    return all;
}

std::string checksum_of(const Migration& migration) {
    return sha256_of(migration.sql).hex();
}

Failure changed(const Migration& wanted, const Applied& applied) {
    return {
        FailureKind::misconfigured,
        "migration " + std::string{wanted.name} + " is not what was applied to this database (" +
            applied.name + ", SHA-256 " + applied.checksum +
            "): an applied migration is never changed; undo the change and put it into a new file"};
}

/// Nothing if it was applied before.
Result<std::optional<std::string>> apply(pqxx::connection_base& connection,
                                         const Migration& wanted) {
    pqxx::work transaction{connection};
    transaction.exec("SET LOCAL statement_timeout = 0");  // An index over many rows takes its time.
    transaction.exec(lock);
    // A table in use is waited for only shortly: all that comes after this waits as well.
    transaction.exec("SET LOCAL lock_timeout = '5s'");
    transaction.exec(create_record);
    const auto all = applied_in(transaction);
    if (const auto found = all.find(wanted.number); found != all.end()) {
        if (found->second.checksum != checksum_of(wanted)) return changed(wanted, found->second);
        return std::nullopt;
    }
    transaction.exec(std::string{wanted.sql});
    transaction.exec_params(
        "INSERT INTO prewarm_migrations (number, name, checksum) VALUES ($1, $2, $3)",
        wanted.number, std::string{wanted.name}, checksum_of(wanted));
    transaction.commit();
    return std::string{wanted.name};
}

}  // namespace

Task<std::vector<std::string>> migrate(Pool& pool, std::span<const Migration> wanted) {
    std::vector<std::string> names;
    for (const auto& migration : wanted) {
        auto ran = co_await pool.run_within(time_limit, [&](pqxx::connection_base& connection) {
            return apply(connection, migration);
        });
        if (!ran) co_return ran.error();
        const auto& name = *ran;
        if (!name) co_return name.error();
        if (*name) names.push_back(**name);
    }
    co_return names;
}

Task<> schema_is_current(Pool& pool, std::span<const Migration> wanted) {
    const auto applied = co_await pool.run([](pqxx::connection_base& connection) {
        pqxx::nontransaction transaction{connection};
        return applied_in(transaction);
    });
    if (!applied) co_return applied.error();
    for (const auto& migration : wanted) {
        const auto found = applied->find(migration.number);
        if (found == applied->end()) {
            co_return Failure{FailureKind::misconfigured, "the database lacks migration " +
                                                              std::string{migration.name} +
                                                              ": run `prewarmctl migrate`"};
        }
        if (found->second.checksum != checksum_of(migration)) {
            co_return changed(migration, found->second);
        }
    }
    co_return Result<>{};
}

}  // namespace prewarm::postgres
