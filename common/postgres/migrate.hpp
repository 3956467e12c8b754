/// The database's schema: numbered SQL files, built into the program.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/postgres/pool.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::postgres {

/// A file of migrations/: `0001_media.sql` has number 1 and name `0001_media`.
struct Migration {
    int number;
    std::string_view name;
    std::string_view sql;
};

/// All of them, in order.
std::span<const Migration> migrations();

/// Applies what is not applied yet, each in a transaction, and returns the names of what it
/// applied. Safe while the service runs and while others migrate: an advisory lock lets one through
/// at a time, and a table in use is waited for only shortly (`transient`: try again). A file that
/// has changed since it was applied is `misconfigured`, and nothing after it is applied.
Task<std::vector<std::string>> migrate(Pool& pool,
                                       std::span<const Migration> wanted = migrations());

/// `misconfigured`, with what to do, when the database lacks a migration that this program needs.
/// One that is newer than the program is fine: instances are replaced one by one.
Task<> schema_is_current(Pool& pool, std::span<const Migration> wanted = migrations());

}  // namespace prewarm::postgres
