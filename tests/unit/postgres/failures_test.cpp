#include "common/postgres/failures.hpp"

#include <gtest/gtest.h>
#include <pqxx/except>

namespace prewarm::postgres {
namespace {

template <class Exception>
Failure translated(const Exception& exception) {
    try {
        throw exception;
    } catch (...) {
        return failure_at_hand();
    }
}

struct Sqlstate {
    const char* code;
    FailureKind kind;
};

class KindOf : public testing::TestWithParam<Sqlstate> {};

TEST_P(KindOf, SaysWhoCanMendIt) {
    EXPECT_EQ(name_of(kind_of(GetParam().code)), name_of(GetParam().kind));
    EXPECT_EQ(name_of(translated(pqxx::sql_error{"no", "SELECT", GetParam().code}).kind),
              name_of(GetParam().kind));
}

INSTANTIATE_TEST_SUITE_P(
    Sqlstates, KindOf,
    testing::Values(Sqlstate{"40001", FailureKind::transient},      // serialization failure
                    Sqlstate{"40P01", FailureKind::transient},      // deadlock
                    Sqlstate{"55P03", FailureKind::transient},      // lock not granted in time
                    Sqlstate{"0A000", FailureKind::transient},      // a cached plan grew old
                    Sqlstate{"08006", FailureKind::unavailable},    // connection failure
                    Sqlstate{"53300", FailureKind::unavailable},    // too many connections
                    Sqlstate{"57P01", FailureKind::unavailable},    // shutting down
                    Sqlstate{"57P03", FailureKind::unavailable},    // starting up
                    Sqlstate{"57014", FailureKind::unavailable},    // statement took too long
                    Sqlstate{"25006", FailureKind::unavailable},    // a standby
                    Sqlstate{"28P01", FailureKind::misconfigured},  // wrong password
                    Sqlstate{"3D000", FailureKind::misconfigured},  // no such database
                    Sqlstate{"42501", FailureKind::misconfigured},  // no right to
                    Sqlstate{"42P01", FailureKind::misconfigured},  // no such table
                    Sqlstate{"22021", FailureKind::refused},        // not UTF-8
                    Sqlstate{"23514", FailureKind::refused}));      // check violated

TEST(FailureAtHand, TakesALostConnectionForAnOutage) {
    EXPECT_EQ(translated(pqxx::broken_connection{}).kind, FailureKind::unavailable);
    EXPECT_EQ(translated(pqxx::in_doubt_error{"lost while committing"}).kind,
              FailureKind::unavailable);
}

TEST(FailureAtHand, TakesARollbackForBadLuck) {
    EXPECT_EQ(translated(pqxx::deadlock_detected{"deadlock"}).kind, FailureKind::transient);
}

TEST(FailureAtHand, NamesPostgresOnOneLine) {
    EXPECT_EQ(translated(pqxx::sql_error{"ERROR:  no\nDETAIL:  none\n", "", "22000"}).detail,
              "PostgreSQL: ERROR:  no DETAIL:  none");
}

TEST(FailureAtHand, LeavesBugsAlone) {
    EXPECT_THROW((void)translated(pqxx::usage_error{"wrong"}), pqxx::usage_error);
    EXPECT_THROW((void)translated(std::logic_error{"wrong"}), std::logic_error);
}

}  // namespace
}  // namespace prewarm::postgres
