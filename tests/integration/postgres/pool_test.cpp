#include "common/postgres/pool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pqxx/nontransaction>
#include <pqxx/result>

#include "common/runtime/deadline.hpp"
#include "tests/support/fault_gate.hpp"
#include "tests/support/fresh_database.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::postgres {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// The first column of the first row, as text.
auto query(std::string statement) {
    return [statement](pqxx::connection_base& connection) {
        return pqxx::nontransaction{connection}.exec(statement)[0][0].as<std::string>("");
    };
}

constexpr auto my_pid = "SELECT pg_backend_pid()";

class PoolTest : public testing::Test {
protected:
    PoolOptions options(Secret url) {
        PoolOptions made;
        made.url = std::move(url);
        made.connections = 2;
        made.connect_timeout = 1s;
        made.call_timeout = 1s;
        return made;
    }

    Result<std::string> ask(Pool& pool, std::string statement) {
        return test::run_to_end(loop, pool.run(query(std::move(statement))));
    }

    /// Whether calls succeed again; ctest's time limit ends a wait in vain.
    bool recovers(Pool& pool) {
        while (!test::run_to_end(loop, pool.ping())) {
            test::run_to_end(loop, sleep_for(10ms));
        }
        return true;
    }

    asio::io_context loop;
    test::FreshDatabase database;
};

TEST_F(PoolTest, CallsWithAConnection) {
    Pool pool{options(database.url())};
    EXPECT_EQ(ask(pool, "SELECT 'seven'"), "seven");
    EXPECT_TRUE(test::run_to_end(loop, pool.ping()));
}

TEST_F(PoolTest, KeepsItsConnections) {
    Pool pool{options(database.url())};
    const auto first = ask(pool, my_pid);
    ASSERT_TRUE(first);
    EXPECT_EQ(ask(pool, my_pid).value(), first.value());
}

TEST_F(PoolTest, SetsItsLimitsAndItsName) {
    Pool pool{options(database.url())};
    EXPECT_EQ(ask(pool, "SHOW statement_timeout"), "1s");
    EXPECT_EQ(ask(pool, "SHOW idle_in_transaction_session_timeout"), "1s");
    EXPECT_EQ(ask(pool, "SHOW application_name"), "prewarm");
}

TEST_F(PoolTest, GivesEachCallAConnectionOfItsOwn) {
    Pool pool{options(database.url())};
    // Each waits for a lock that the other holds until both have met.
    const auto meet = [](std::string mine, std::string others) {
        return [=](pqxx::connection_base& connection) {
            pqxx::nontransaction session{connection};
            session.exec("SELECT pg_advisory_lock(" + mine + ")");
            while (
                session
                    .exec("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = " +
                          others)[0][0]
                    .as<int>() == 0) {
            }
            return connection.backendpid();
        };
    };
    std::vector<int> pids;
    const auto one = [&](std::string mine, std::string others) -> asio::awaitable<void> {
        const auto pid = co_await pool.run(meet(mine, others));
        if (pid) pids.push_back(*pid);
    };
    asio::co_spawn(loop, one("1", "2"), asio::detached);
    asio::co_spawn(loop, one("2", "1"), asio::detached);
    loop.run();
    ASSERT_EQ(pids.size(), 2U);
    EXPECT_NE(pids[0], pids[1]);
}

TEST_F(PoolTest, DoesNotNoticeAConnectionThatWasEndedWhileIdle) {
    Pool pool{options(database.url())};
    const auto first = ask(pool, my_pid);
    ASSERT_TRUE(first);
    database.run("SELECT pg_terminate_backend(" + *first + ", 5000)");
    const auto second = ask(pool, my_pid);
    ASSERT_TRUE(second);
    EXPECT_NE(*second, *first);
}

TEST_F(PoolTest, ThrowsAwayAConnectionThatIsEndedAtWork) {
    Pool pool{options(database.url())};
    const auto ended = ask(pool, "SELECT pg_terminate_backend(pg_backend_pid())");
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().kind, FailureKind::unavailable);
    EXPECT_EQ(ask(pool, "SELECT 'well'"), "well");
}

TEST_F(PoolTest, KeepsAConnectionThatRefusedAValue) {
    Pool pool{options(database.url())};
    const auto pid = ask(pool, my_pid);
    const auto refused = ask(pool, "SELECT 1 / 0");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FailureKind::refused);
    EXPECT_EQ(ask(pool, my_pid).value(), pid.value());
}

TEST_F(PoolTest, ThrowsOnWhatIsABug) {
    Pool pool{options(database.url())};
    const auto bug = [](pqxx::connection_base&) { throw std::logic_error{"a bug"}; };
    EXPECT_THROW((void)test::run_to_end(loop, pool.run(bug)), std::logic_error);
    EXPECT_TRUE(test::run_to_end(loop, pool.ping()));
}

TEST_F(PoolTest, EndsAStatementThatTakesTooLong) {
    Pool pool{options(database.url())};
    const auto slow = ask(pool, "SELECT pg_sleep(60)");
    ASSERT_FALSE(slow);
    EXPECT_EQ(slow.error().kind, FailureKind::unavailable);
    EXPECT_TRUE(test::run_to_end(loop, pool.ping()));
}

TEST_F(PoolTest, SaysUnavailableAtOnceWhileTheServerIsAway) {
    test::FaultGate gate{test::FreshDatabase::server_port()};
    Pool pool{options(database.url_at(gate.port()))};
    ASSERT_TRUE(test::run_to_end(loop, pool.ping()));
    gate.shut();
    for (int call = 0; call < 100; ++call) {
        const auto away = test::run_to_end(loop, pool.ping());
        ASSERT_FALSE(away);
        EXPECT_EQ(away.error().kind, FailureKind::unavailable);
    }
    gate.open();
    EXPECT_TRUE(recovers(pool));
}

TEST_F(PoolTest, DoesNotPileUpBehindAServerThatWentSilent) {
    test::FaultGate gate{test::FreshDatabase::server_port()};
    Pool pool{options(database.url_at(gate.port()))};
    ASSERT_TRUE(test::run_to_end(loop, pool.ping()));
    gate.freeze();
    // One after the other, these would take far longer than a test may.
    constexpr int calls = 1000;
    int unavailable = 0;
    const auto one = [&]() -> asio::awaitable<void> {
        const auto silent = co_await pool.ping();
        if (!silent && silent.error().kind == FailureKind::unavailable) ++unavailable;
    };
    for (int call = 0; call < calls; ++call)
        asio::co_spawn(loop, one(), asio::detached);
    loop.restart();
    loop.run();
    EXPECT_EQ(unavailable, calls);
    gate.thaw();
    EXPECT_TRUE(recovers(pool));
}

TEST_F(PoolTest, SaysWhatIsWrongWithItsCredentialsButNotThePassword) {
    // The server trusts everybody it knows, so a role that does not exist stands for all.
    boost::urls::url url{database.url().reveal()};
    url.set_user("nobody_of_this_name").set_password("hunter2");
    Pool pool{options(Secret{url.buffer()})};
    const auto refused = test::run_to_end(loop, pool.ping());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FailureKind::misconfigured);
    EXPECT_THAT(refused.error().detail, HasSubstr("nobody_of_this_name"));
    EXPECT_THAT(refused.error().detail, Not(HasSubstr("hunter2")));
    EXPECT_THAT(refused.error().detail, Not(HasSubstr("LOCATION")));
}

TEST_F(PoolTest, SaysThatTheDatabaseDoesNotExist) {
    boost::urls::url url{database.url().reveal()};
    url.set_path("/" + test::random_name());
    Pool pool{options(Secret{url.buffer()})};
    const auto refused = test::run_to_end(loop, pool.ping());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FailureKind::misconfigured);
    EXPECT_THAT(refused.error().detail, HasSubstr("does not exist"));
}

TEST_F(PoolTest, SaysThatItsUrlIsWrong) {
    Pool pool{options(Secret{"postgresql://me:hunter2@[::1/media"})};
    const auto wrong = test::run_to_end(loop, pool.ping());
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, FailureKind::misconfigured);
}

TEST_F(PoolTest, FinishesACallWhoseCoroutineIsCancelled) {
    Pool pool{options(database.url())};
    bool ended = false;
    const auto slow = [&](pqxx::connection_base& connection) {
        query("SELECT pg_sleep(0.2)")(connection);
        ended = true;
    };
    (void)test::run_to_end(loop, with_deadline(deadline_in(1ms), pool.run(slow), "slow"));
    EXPECT_TRUE(ended);
    EXPECT_TRUE(test::run_to_end(loop, pool.ping()));
}

}  // namespace
}  // namespace prewarm::postgres
