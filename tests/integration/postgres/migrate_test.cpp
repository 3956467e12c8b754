#include "common/postgres/migrate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fresh_database.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::postgres {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Migration apples{1, "0001_apples", "CREATE TABLE apples (id int); SELECT 1;"};
constexpr Migration pears{2, "0002_pears", "CREATE TABLE pears (id int);"};
constexpr Migration broken{2, "0002_broken", "CREATE TABLE plums (id int); SELECT nonsense;"};

class MigrateTest : public testing::Test {
protected:
    Result<std::vector<std::string>> apply(std::vector<Migration> wanted) {
        return test::run_to_end(loop, migrate(pool, wanted));
    }
    Result<> check(std::vector<Migration> wanted) {
        return test::run_to_end(loop, schema_is_current(pool, wanted));
    }
    std::string value_of(const std::string& query) {
        return database.run(query)[0][0].as<std::string>("");
    }

    test::FreshDatabase database;
    asio::io_context loop;
    Pool pool{PoolOptions{database.url()}};
};

TEST_F(MigrateTest, AppliesWhatIsMissingInOrder) {
    EXPECT_THAT(apply({apples}).value(), ElementsAre("0001_apples"));
    EXPECT_THAT(apply({apples, pears}).value(), ElementsAre("0002_pears"));
    EXPECT_THAT(apply({apples, pears}).value(), IsEmpty());
    EXPECT_EQ(value_of("SELECT string_agg(number || ' ' || name, ', ' ORDER BY number) "
                       "FROM prewarm_migrations WHERE applied_at <= now()"),
              "1 0001_apples, 2 0002_pears");
}

TEST_F(MigrateTest, RefusesAFileThatHasChanged) {
    ASSERT_TRUE(apply({apples}));
    Migration changed = apples;
    changed.sql = "CREATE TABLE apples (id bigint);";
    const auto refused = apply({changed, pears});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, FailureKind::misconfigured);
    EXPECT_THAT(refused.error().detail, HasSubstr("0001_apples is not what was applied"));
    EXPECT_EQ(value_of("SELECT to_regclass('pears')"), "");
    EXPECT_FALSE(check({changed}));
}

TEST_F(MigrateTest, AppliesAllOfAFileOrNothing) {
    ASSERT_FALSE(apply({apples, broken}));
    EXPECT_EQ(value_of("SELECT to_regclass('plums')"), "");
    EXPECT_EQ(value_of("SELECT count(*) FROM prewarm_migrations"), "1");
}

TEST_F(MigrateTest, LetsOneThroughAtATime) {
    // Slow enough that the others come while it runs.
    const Migration slow{1, "0001_slow", "SELECT pg_sleep(0.3); CREATE TABLE once (id int);"};
    const std::vector<Migration> wanted{slow};
    Pool second{PoolOptions{database.url()}};
    std::size_t applied = 0;
    std::size_t failed = 0;
    const auto one = [&](Pool& with) -> asio::awaitable<void> {
        const auto names = co_await migrate(with, wanted);
        names ? applied += names->size() : ++failed;
    };
    for (auto* with : {&pool, &pool, &second, &second})
        asio::co_spawn(loop, one(*with), asio::detached);
    loop.run();
    EXPECT_EQ(applied, 1U);
    EXPECT_EQ(failed, 0U);
}

TEST_F(MigrateTest, GivesWayToATableInUse) {
    ASSERT_TRUE(apply({apples}));
    pqxx::connection other{database.url().reveal()};
    pqxx::nontransaction holds{other};
    holds.exec("BEGIN; LOCK TABLE apples IN ACCESS SHARE MODE");
    const Migration alter{2, "0002_alter", "ALTER TABLE apples ADD COLUMN colour text;"};
    const auto in_use = apply({apples, alter});
    ASSERT_FALSE(in_use);
    EXPECT_EQ(in_use.error().kind, FailureKind::transient);
    holds.exec("COMMIT");
    EXPECT_TRUE(apply({apples, alter}));
}

TEST_F(MigrateTest, SaysWhatToDoAboutASchemaThatIsTooOld) {
    const auto empty = check({apples});
    ASSERT_FALSE(empty);
    EXPECT_EQ(empty.error().kind, FailureKind::misconfigured);
    EXPECT_EQ(empty.error().detail,
              "the database lacks migration 0001_apples: run `prewarmctl migrate`");

    ASSERT_TRUE(apply({apples}));
    EXPECT_TRUE(check({apples}));
    EXPECT_FALSE(check({apples, pears}));
}

TEST_F(MigrateTest, LivesWithASchemaThatIsNewer) {
    ASSERT_TRUE(apply({apples, pears}));
    EXPECT_TRUE(check({apples}));
    EXPECT_THAT(apply({apples}).value(), IsEmpty());
}

TEST_F(MigrateTest, MakesTheTablesOfTheContract) {
    ASSERT_TRUE(test::run_to_end(loop, migrate(pool)));
    ASSERT_TRUE(test::run_to_end(loop, schema_is_current(pool)));
    const auto columns = [&](const std::string& table) {
        return value_of(
            "SELECT string_agg(column_name || ' ' || data_type || coalesce(' of ' || "
            "nullif(ltrim(udt_name, '_'), udt_name), ''), ', ' ORDER BY ordinal_position) "
            "FROM information_schema.columns WHERE table_name = '" +
            table + "'");
    };
    EXPECT_EQ(columns("media_store"),
              "bot_slug text, sha256 text, kind text, r2_bucket text, r2_key text, bytes bigint, "
              "mime_type text, file_name text, attributes jsonb, "
              "created_at timestamp with time zone");
    EXPECT_EQ(
        columns("media_cache"),
        "bot_slug text, sha256 text, kind text, status text, file_id text, "
        "file_unique_id text, actual_kind text, weak boolean, version bigint, bytes bigint, "
        "storage_chat_id bigint, storage_message_id bigint, retry_count integer, "
        "next_retry_at timestamp with time zone, last_error text, lease_owner text, "
        "lease_token bigint, lease_until timestamp with time zone, starts integer, "
        "event bytea, upload_event_ids ARRAY of text, cache_keys ARRAY of text, "
        "cache_tags ARRAY of text, created_at timestamp with time zone, "
        "updated_at timestamp with time zone, ready_at timestamp with time zone, headers jsonb, "
        "posting bigint");
    EXPECT_EQ(value_of("SELECT string_agg(indexdef, E'\\n' ORDER BY indexname) FROM pg_indexes "
                       "WHERE indexname LIKE 'ix_%'"),
              "CREATE INDEX ix_media_cache_due ON public.media_cache USING btree "
              "(bot_slug, next_retry_at) WHERE (status = 'warming'::text)\n"
              "CREATE INDEX ix_media_cache_lease ON public.media_cache USING btree "
              "(lease_until) WHERE (lease_until IS NOT NULL)\n"
              "CREATE INDEX ix_media_cache_lookup ON public.media_cache USING btree "
              "(bot_slug, sha256, kind, status) WHERE (status = 'ready'::text)\n"
              "CREATE INDEX ix_media_cache_retry ON public.media_cache USING btree "
              "(next_retry_at) WHERE (status = 'warming'::text)");
}

}  // namespace
}  // namespace prewarm::postgres
