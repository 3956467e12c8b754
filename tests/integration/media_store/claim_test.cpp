#include <algorithm>

#include <gmock/gmock.h>

#include "tests/integration/media_store/media_store_test.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ClaimTest : public test::MediaStoreTest {};

TEST_F(ClaimTest, TakesAMediaThatNobodyKnew) {
    const auto lease = take(upload(), "one");
    EXPECT_EQ(lease.media, upload().media);
    EXPECT_EQ(lease.attempt, 1U);
    EXPECT_EQ(column("status || ' ' || lease_owner || ' ' || starts || ' ' || "
                     "convert_from(event, 'UTF8')"),
              "warming one 1 the event");
    EXPECT_EQ(column("lease_token"), std::to_string(lease.token));
    EXPECT_EQ(column("lease_until BETWEEN now() + interval '50 s' AND now() + interval '60 s'"),
              "t");
}

TEST_F(ClaimTest, LeavesItToWhoeverIsAtWork) {
    take(upload("first"), "one");
    const auto elsewhere = claim(upload("second"), "two");
    ASSERT_TRUE(std::holds_alternative<LeasedElsewhere>(elsewhere));
    EXPECT_GT(std::get<LeasedElsewhere>(elsewhere).remaining, 50s);
    EXPECT_LE(std::get<LeasedElsewhere>(elsewhere).remaining, 60s);
    EXPECT_EQ(column("lease_owner || starts"), "one1");
}

TEST_F(ClaimTest, LetsWhoeverFinishesAnswerForAll) {
    auto first = upload("first");
    first.cache_keys = {"b", "a"};
    first.cache_tags = {"tag"};
    auto second = upload("second");
    second.cache_keys = {"a", "c"};
    second.cache_tags = {"tag", "more"};

    const auto lease = take(first);
    claim(second);
    claim(first);
    const auto ready = commit(lease);
    EXPECT_THAT(ready.upload_event_ids, ElementsAre("first", "second"));
    EXPECT_THAT(ready.cache_keys, ElementsAre("b", "a", "c"));
    EXPECT_THAT(ready.cache_tags, ElementsAre("tag", "more"));
}

TEST_F(ClaimTest, GivesARaceToExactlyOne) {
    postgres::Pool others_pool{{.url = database.url()}};
    MediaStore others{others_pool};
    for (int round = 0; round < 50; ++round) {
        auto wanted = upload();
        wanted.media.sha256 = sha256_of(std::to_string(round));
        std::vector<Claim> claims;
        const auto one = [&](MediaStore& with, std::string id) -> asio::awaitable<void> {
            auto mine = wanted;
            mine.event_id = id;
            claims.push_back((co_await with.claim(mine, "", id, 1min)).value());
        };
        for (const auto* id : {"a", "b", "c", "d"}) {
            asio::co_spawn(loop, one(store, id), asio::detached);
            asio::co_spawn(loop, one(others, std::string{id} + id), asio::detached);
        }
        loop.restart();
        loop.run();
        ASSERT_THAT(claims, SizeIs(8));
        ASSERT_EQ(std::ranges::count_if(
                      claims, [](auto& got) { return std::holds_alternative<Lease>(got); }),
                  1);
        const auto lease = std::get<Lease>(*std::ranges::find_if(
            claims, [](auto& got) { return std::holds_alternative<Lease>(got); }));
        EXPECT_THAT(commit(lease).upload_event_ids, SizeIs(8));
    }
}

TEST_F(ClaimTest, TakesOverFromWhoeverDied) {
    const auto dead = take(upload(), "one");
    let_lease_run_out();
    const auto heir = take(upload(), "two");
    EXPECT_GT(heir.token, dead.token);
    EXPECT_EQ(heir.attempt, 1U);
    EXPECT_EQ(column("lease_owner || ' ' || starts"), "two 2");

    const auto late = run(store.commit(dead, sent("late"), false));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, FailureKind::transient);
    EXPECT_THAT(late.error().detail, HasSubstr("lease was lost"));
    EXPECT_TRUE(run(store.park(dead, 1h, "late", ParkedAfter::failed_attempt)));
    EXPECT_TRUE(run(store.record_dead(dead, "late")));
    EXPECT_TRUE(run(store.release(dead)));
    EXPECT_EQ(column("status || ' ' || lease_owner || ' ' || starts || ' ' || retry_count || ' ' "
                     "|| version || ' ' || (file_id IS NULL) || ' ' || (last_error IS NULL)"),
              "warming two 2 0 0 true true");

    EXPECT_EQ(commit(heir, sent("right")).file_id, "right");
}

TEST_F(ClaimTest, CommitsAllThatASenderNeeds) {
    auto kept = sent();
    kept.actual_kind = MediaKind::document;
    const auto ready = run(store.commit(take(upload()), kept, true)).value();
    EXPECT_EQ(ready.media, upload().media);
    EXPECT_EQ(ready.actual_kind, MediaKind::document);
    EXPECT_TRUE(ready.weak);
    EXPECT_EQ(ready.file_id, "file-1");
    EXPECT_EQ(ready.file_unique_id, "unique-1");
    EXPECT_EQ(ready.version, 1U);
    EXPECT_EQ(ready.bytes, 2048U);
    EXPECT_EQ(ready.storage_chat_id, -100123);
    EXPECT_EQ(ready.storage_message_id, 77);
    EXPECT_EQ(ready.attempts, 1U);
    EXPECT_EQ(column("status || ' ' || starts || ' ' || "
                     "num_nulls(next_retry_at, last_error) || ' ' || (ready_at IS NOT NULL)"),
              "ready 0 2 true");
}

TEST_F(ClaimTest, CommitsOnce) {
    const auto lease = take(upload());
    commit(lease, sent("first"));
    EXPECT_FALSE(run(store.commit(lease, sent("second"), false)));
    EXPECT_EQ(column("file_id || version"), "first1");
}

TEST_F(ClaimTest, FindsWhatIsReadyWithAllItsEvents) {
    auto first = upload("first");
    first.cache_keys = {"a"};
    commit(take(first));
    auto again = upload("again");
    again.cache_keys = {"b"};
    const auto found = claim(again);
    ASSERT_TRUE(std::holds_alternative<ReadyMedia>(found));
    const auto& ready = std::get<ReadyMedia>(found);
    EXPECT_EQ(ready.file_id, "file-1");
    EXPECT_EQ(ready.version, 1U);
    EXPECT_EQ(ready.attempts, 1U);
    EXPECT_THAT(ready.upload_event_ids, ElementsAre("first", "again"));
    EXPECT_THAT(ready.cache_keys, ElementsAre("a", "b"));
    EXPECT_EQ(column("starts || ' ' || status"), "0 ready");
}

TEST_F(ClaimTest, CountsFailedAttempts) {
    EXPECT_TRUE(run(store.park(take(upload()), 1h, "first trouble", ParkedAfter::failed_attempt)));
    EXPECT_EQ(column("status || ' ' || retry_count || ' ' || starts || ' ' || last_error || ' ' || "
                     "num_nulls(lease_owner, lease_token, lease_until)"),
              "warming 1 0 first trouble 3");
    const auto second = take(upload());
    EXPECT_EQ(second.attempt, 2U);
    EXPECT_EQ(commit(second).attempts, 2U);
}

TEST_F(ClaimTest, HandsBackAsIfNothingHadHappened) {
    EXPECT_TRUE(run(store.release(take(upload()))));
    EXPECT_EQ(column("status || ' ' || retry_count || ' ' || starts || ' ' || "
                     "num_nulls(lease_owner, lease_token, lease_until)"),
              "warming 0 0 3");
    EXPECT_EQ(take(upload()).attempt, 1U);
}

TEST_F(ClaimTest, RemembersStartsThatCameToNothing) {
    take(upload());
    let_lease_run_out();
    EXPECT_TRUE(run(store.release(take(upload()))));
    EXPECT_EQ(column("starts"), "1");
}

TEST_F(ClaimTest, StartsAFailedMediaAgain) {
    EXPECT_TRUE(run(store.park(take(upload()), 1h, "first", ParkedAfter::failed_attempt)));
    EXPECT_TRUE(run(store.record_dead(take(upload()), "object missing")));
    EXPECT_EQ(column("status || ' ' || retry_count || ' ' || starts || ' ' || last_error"),
              "failed 2 0 object missing");

    const auto again = take(upload());
    EXPECT_EQ(again.attempt, 1U);
    EXPECT_EQ(column("status || ' ' || retry_count || ' ' || starts || ' ' || last_error"),
              "warming 0 1 object missing");
    EXPECT_EQ(commit(again).attempts, 1U);
    EXPECT_EQ(column("last_error IS NULL"), "t");
}

TEST_F(ClaimTest, TakesAParkedMediaBeforeItsTime) {
    EXPECT_TRUE(run(store.release(take(upload()))));
    database.run("UPDATE media_cache SET next_retry_at = now() + interval '1 h'");
    take(upload());
    EXPECT_EQ(column("next_retry_at"), "null");
}

TEST_F(ClaimTest, RenewsAllAndTellsWhichAreLost) {
    std::vector<Lease> leases;
    for (const auto* content : {"a", "b", "c"}) {
        auto wanted = upload();
        wanted.media.sha256 = sha256_of(content);
        leases.push_back(take(wanted, "one", 1s));
    }
    let_lease_run_out();
    auto taken_over = upload();
    taken_over.media = leases[1].media;
    take(taken_over, "two");

    const auto lost = run(store.renew(leases, 1min)).value();
    ASSERT_THAT(lost, SizeIs(1));
    EXPECT_EQ(lost[0].token, leases[1].token);
    EXPECT_EQ(column("count(*) FILTER (WHERE lease_owner = 'one' "
                     "AND lease_until > now() + interval '30 s')"),
              "2");
    EXPECT_THAT(run(store.renew({}, 1min)).value(), IsEmpty());
}

TEST_F(ClaimTest, KeepsAwkwardTextAsItIs) {
    using namespace std::string_literals;
    auto awkward = upload(R"(id "quoted", 'single' \ {brace} NULL)");
    awkward.cache_keys = {"",        ",",      "{}",          R"("")",
                          R"(\)",    R"(\")",  "NULL",        "null",
                          " lead",   "trail ", "tab\tline\n", "žluť 🐎",
                          "a,b",     "{a,b}",  "$1",          "'; DROP TABLE media_cache; --",
                          "\x01\x7f"};
    awkward.cache_tags = {R"(\\)", R"(a"b)", "(x)"};
    const auto ready = commit(take(awkward));
    EXPECT_THAT(ready.upload_event_ids, ElementsAre(awkward.event_id));
    EXPECT_EQ(ready.cache_keys, awkward.cache_keys);
    EXPECT_EQ(ready.cache_tags, awkward.cache_tags);
}

TEST_F(ClaimTest, KeepsTheEventByteForByte) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte)
        bytes += static_cast<char>(byte);
    ASSERT_TRUE(run(store.claim(upload(), bytes, "here", 1min)));
    EXPECT_EQ(column("encode(sha256(event), 'hex')"), sha256_of(bytes).hex());
}

TEST_F(ClaimTest, RefusesTextThatCannotBeStored) {
    using namespace std::string_literals;
    auto zero = upload();
    zero.cache_keys = {"cut\0short"s};
    auto latin1 = upload();
    latin1.cache_keys = {"caf\xE9"};
    auto endless = upload();
    endless.cache_keys.assign(max_cache_keys + 1, "key");
    for (const auto& bad : {zero, latin1, endless}) {
        const auto refused = run(store.claim(bad, "", "here", 1min));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, FailureKind::refused);
    }
    EXPECT_EQ(column("count(*)"), "0");
}

TEST_F(ClaimTest, BoundsAndCleansTheLastError) {
    using namespace std::string_literals;
    const auto error = "zero \0, not UTF-8 \xFF, "s + std::string(5000, 'x');
    ASSERT_TRUE(run(store.park(take(upload()), 1h, error, ParkedAfter::failed_attempt)));
    EXPECT_EQ(column("length(last_error)"), "2000");
    EXPECT_THAT(column("last_error"), HasSubstr("zero \uFFFD, not UTF-8 \uFFFD, xxx"));
}

TEST_F(ClaimTest, GathersTheNewestOfTooMany) {
    auto wanted = upload("first");
    wanted.cache_keys = {"oldest", "old"};
    const auto lease = take(wanted);
    wanted.cache_keys.clear();
    for (std::size_t key = 1; key < max_cache_keys; ++key)
        wanted.cache_keys.push_back(std::to_string(key));
    claim(wanted);
    const auto ready = commit(lease);
    EXPECT_THAT(ready.cache_keys, SizeIs(max_cache_keys));
    EXPECT_EQ(ready.cache_keys.front(), "old");
    EXPECT_EQ(ready.cache_keys.back(), std::to_string(max_cache_keys - 1));
}

TEST_F(ClaimTest, TakesOverALeaseOfItsOwnThatItDoesNotKnowOf) {
    const auto again = [&](const std::string& instance, std::vector<std::int64_t> known) {
        return run(store.claim(upload(), "the event", instance, 1min, std::move(known))).value();
    };
    const auto unheard = take(upload(), "here");
    EXPECT_TRUE(std::holds_alternative<LeasedElsewhere>(again("another", {})));
    EXPECT_TRUE(std::holds_alternative<LeasedElsewhere>(again("here", {unheard.token})));
    EXPECT_TRUE(std::holds_alternative<LeasedElsewhere>(claim(upload(), "here")));
    const auto lease = std::get<Lease>(again("here", {unheard.token + 1}));
    EXPECT_EQ(lease.starts, 1U);
    EXPECT_NE(lease.token, unheard.token);
    commit(lease);
    EXPECT_TRUE(std::holds_alternative<ReadyMedia>(again("here", {})));
}

TEST_F(ClaimTest, KnowsWhatAnEarlierStartMayHavePosted) {
    const auto first = take(upload());
    EXPECT_FALSE(first.may_be_posted);
    EXPECT_TRUE(run(store.note_posting(first, true)).value());
    let_lease_run_out();
    const auto second = take(upload());
    EXPECT_TRUE(second.may_be_posted);
    EXPECT_FALSE(run(store.note_posting(first, true)).value()) << "its lease is lost";
    EXPECT_TRUE(run(store.note_posting(second, false)).value());
    let_lease_run_out();
    const auto third = take(upload());
    EXPECT_FALSE(third.may_be_posted) << "it was counted once";
    EXPECT_TRUE(run(store.note_posting(third, true)).value());
    ASSERT_TRUE(run(store.park(third, 0s, "", ParkedAfter::blameless_try)).value());
    EXPECT_FALSE(take(upload()).may_be_posted) << "that was an outcome";
}

}  // namespace
}  // namespace prewarm
