#include "common/postgres/failures.hpp"

#include <pqxx/except>

namespace prewarm::postgres {

FailureKind kind_of(std::string_view sqlstate) {
    const auto is = [&](std::string_view start) { return sqlstate.starts_with(start); };
    if (sqlstate.empty()) return FailureKind::unavailable;

    // Connection lost, no resources, shutting down or starting, and a standby that took the
    // primary's place. A statement that runs into its time limit is a server too slow to use.
    if (is("08") || is("53") || is("57P0") || is("57014") || is("25006")) {
        return FailureKind::unavailable;
    }
    // Credentials, database, schema, rights, and objects that a migration would have made.
    if (is("28") || is("3D") || is("3F") || is("42501") || is("42P01") || is("42703") ||
        is("42883")) {
        return FailureKind::misconfigured;
    }
    // These values can never be stored.
    if (is("22") || is("23")) return FailureKind::refused;
    // A deadlock, a lost race, a lock not granted in time: the job may be good.
    return FailureKind::transient;
}

Failure failure_at_hand() {
    try {
        throw;
    } catch (const pqxx::broken_connection& lost) {
        return failure_saying(FailureKind::unavailable, lost.what());
    } catch (const pqxx::in_doubt_error& lost) {
        return failure_saying(FailureKind::unavailable, lost.what());
    } catch (const pqxx::insufficient_privilege& ours) {
        return failure_saying(FailureKind::misconfigured, ours.what());
    } catch (const pqxx::sql_error& error) {
        return failure_saying(kind_of(error.sqlstate()), error.what());
    } catch (const pqxx::failure& error) {
        // Rolled back: for this, as for lacking rights, libpqxx leaves the SQLSTATE out.
        return failure_saying(FailureKind::transient, error.what());
    }
}

Failure failure_saying(FailureKind kind, std::string_view message) {
    std::string detail{"PostgreSQL: "};
    for (const char c : message) {
        const bool breaks_line = c == '\n' || c == '\t';
        if (breaks_line && detail.ends_with(' ')) continue;
        detail += breaks_line ? ' ' : c;
    }
    while (detail.ends_with(' ')) {
        detail.pop_back();
    }
    return Failure{kind, std::move(detail)};
}

}  // namespace prewarm::postgres
