#include <gmock/gmock.h>

#include "tests/integration/media_store/media_store_test.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

class ResendingTest : public test::MediaStoreTest {
protected:
    std::vector<LostEvent> due(std::vector<std::string> bots = {"bot"}, std::size_t most = 10) {
        std::vector<BotRoom> rooms;
        for (auto& bot : bots)
            rooms.push_back({std::move(bot), most});
        return run(store.take_due(std::move(rooms), {"resting"}, most, 30s)).value();
    }
    std::vector<LostEvent> orphans(std::vector<std::string> bots = {"bot"}) {
        return run(store.take_orphans(10, 30s, std::move(bots))).value();
    }
    std::vector<LostEvent> lost(std::vector<std::string> bots = {"bot"}) {
        return run(store.take_lost(10, 30s, std::move(bots), 1min)).value();
    }
    void resent(std::vector<LostEvent> events, bool arrived = true) {
        ASSERT_TRUE(run(store.mark_resent(std::move(events), arrived)));
    }
    Upload numbered(int number) const {
        auto made = upload(std::to_string(number));
        made.media.sha256 = sha256_of(std::to_string(number));
        return made;
    }
    void let_time_pass(const std::string& interval) const {
        database.run("UPDATE media_cache SET updated_at = updated_at - interval '" + interval +
                     "', next_retry_at = next_retry_at - interval '" + interval +
                     "', lease_until = lease_until - interval '" + interval + "'");
    }
};

TEST_F(ResendingTest, ParksForAsLongAsAsked) {
    ASSERT_TRUE(
        run(store.park(take(upload()), 1h, "trouble", ParkedAfter::failed_attempt)).value());
    EXPECT_EQ(
        column("retry_count || ' ' || starts || ' ' || last_error || ' ' || "
               "num_nulls(lease_owner, lease_token, lease_until) || ' ' || "
               "(next_retry_at BETWEEN now() + interval '59 min' AND now() + interval '1 h')"),
        "1 0 trouble 3 true");
    EXPECT_THAT(due(), IsEmpty());
    let_time_pass("1 h");
    EXPECT_THAT(due(), SizeIs(1));
}

TEST_F(ResendingTest, TellsWhenTheNextIsDue) {
    EXPECT_FALSE(run(store.next_due({"bot"})).value());
    ASSERT_TRUE(run(store.park(take(upload()), 1h, "", ParkedAfter::no_try)).value());
    const auto next = run(store.next_due({"other", "bot"})).value();
    ASSERT_TRUE(next);
    EXPECT_LE(*next, 1h);
    EXPECT_GT(*next, 59min);
    EXPECT_FALSE(run(store.next_due({"other"})).value());
    let_time_pass("2 h");
    EXPECT_FALSE(run(store.next_due({"bot"})).value()) << "it is due already";
}

TEST_F(ResendingTest, CountsNoAttemptThatOnlyWaited) {
    ASSERT_TRUE(
        run(store.park(take(upload()), 0s, "r2 is away", ParkedAfter::blameless_try)).value());
    EXPECT_EQ(column("retry_count"), "0");
    EXPECT_EQ(take(upload()).attempt, 1U);
}

TEST_F(ResendingTest, ParksNothingUnderALostLease) {
    const auto lost = take(upload(), "one");
    let_lease_run_out();
    take(upload(), "two");
    EXPECT_FALSE(run(store.park(lost, 0s, "", ParkedAfter::blameless_try)).value());
    EXPECT_FALSE(run(store.record_dead(lost, "")).value());
    EXPECT_EQ(column("next_retry_at"), "null");
}

TEST_F(ResendingTest, TellsAllWhomADeathAnswers) {
    const auto lease = take(upload("one"));
    claim(upload("two"));
    EXPECT_THAT(*run(store.record_dead(lease, "gone")).value(), testing::ElementsAre("one", "two"));
}

TEST_F(ResendingTest, GivesADueEventToOneWhoWillSendIt) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", ParkedAfter::blameless_try)));
    const auto taken = due();
    ASSERT_THAT(taken, SizeIs(1));
    EXPECT_EQ(taken[0].media, upload().media);
    EXPECT_EQ(taken[0].encoded_event, "the event");
    EXPECT_THAT(due(), IsEmpty());
    EXPECT_THAT(lost(), IsEmpty());

    resent(taken);
    EXPECT_EQ(column("next_retry_at"), "null");
    let_time_pass("40 s");
    EXPECT_THAT(due(), IsEmpty());
}

TEST_F(ResendingTest, GivesItToAnotherWhenTheFirstDies) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", ParkedAfter::blameless_try)));
    EXPECT_THAT(due(), SizeIs(1));
    let_time_pass("31 s");
    EXPECT_THAT(due(), SizeIs(1));
}

TEST_F(ResendingTest, IsDueAtOnceWhenTheBrokerDidNotTakeIt) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", ParkedAfter::blameless_try)));
    resent(due(), false);
    EXPECT_THAT(due(), SizeIs(1));
}

TEST_F(ResendingTest, LeavesAloneWhatWasClaimedMeanwhile) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", ParkedAfter::blameless_try)));
    const auto taken = due();
    const auto lease = take(upload());
    ASSERT_TRUE(run(store.park(lease, 1h, "again", ParkedAfter::blameless_try)).value());
    resent(taken);
    EXPECT_EQ(column("next_retry_at > now() + interval '59 min'"), "t");
}

TEST_F(ResendingTest, DealsEachEventToOneOfManyAtOnce) {
    for (int number = 0; number < 40; ++number)
        ASSERT_TRUE(run(store.park(take(numbered(number)), 0s, "", ParkedAfter::blameless_try)));
    postgres::Pool others_pool{{.url = database.url()}};
    MediaStore others{others_pool};
    std::vector<MediaKey> dealt;
    const auto take_some = [&](MediaStore& with) -> asio::awaitable<void> {
        for (int time = 0; time < 10; ++time) {
            for (const auto& event : (co_await with.take_due({{"bot", 5}}, {}, 5, 30s)).value())
                dealt.push_back(event.media);
        }
    };
    asio::co_spawn(loop, take_some(store), asio::detached);
    asio::co_spawn(loop, take_some(others), asio::detached);
    loop.restart();
    loop.run();
    std::ranges::sort(dealt);
    EXPECT_THAT(dealt, SizeIs(40));
    EXPECT_EQ(std::ranges::unique(dealt).size(), 0U);
}

TEST_F(ResendingTest, KeepsBackTheJobsOfOtherBots) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", ParkedAfter::blameless_try)));
    EXPECT_THAT(due({"other"}), IsEmpty());
    EXPECT_THAT(due({"other", "bot"}), SizeIs(1));
}

TEST_F(ResendingTest, LeavesAnOutboxRowToItsUploaderForAMoment) {
    ASSERT_TRUE(run(store.register_upload(upload(), "the event")));
    EXPECT_THAT(due(), IsEmpty());
    let_time_pass("4 s");
    EXPECT_THAT(due(), SizeIs(1));
}

TEST_F(ResendingTest, TakesTheOldestFirst) {
    for (int number = 0; number < 5; ++number) {
        ASSERT_TRUE(run(store.park(take(numbered(number)), 0s, "", ParkedAfter::blameless_try)));
        let_time_pass("1 s");
    }
    const auto first = due({"bot"}, 2);
    ASSERT_THAT(first, SizeIs(2));
    for (const auto& event : first)
        EXPECT_TRUE(event.media == numbered(0).media || event.media == numbered(1).media);
}

TEST_F(ResendingTest, LetsSomebodyGiveUpTheJobsOfABotThatNobodyKnows) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", ParkedAfter::no_try)));
    let_time_pass("9 min");
    EXPECT_THAT(due({"other"}), IsEmpty());
    let_time_pass("2 min");
    EXPECT_THAT(run(store.take_due({{"other", 10}}, {"bot"}, 10, 30s)).value(), IsEmpty());
    EXPECT_THAT(due({"other"}), SizeIs(1));
}

TEST_F(ResendingTest, FindsWhatADeadHolderLeft) {
    take(upload());
    EXPECT_THAT(orphans(), IsEmpty());
    let_time_pass("66 s");
    EXPECT_THAT(orphans({"other"}), IsEmpty());
    const auto found = orphans();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_THAT(orphans(), IsEmpty());
    resent(found);
    EXPECT_EQ(column("num_nulls(lease_owner, lease_token, lease_until, next_retry_at)"), "4");
    // It waits in the queue now, for as long as that is.
    let_time_pass("1 day");
    EXPECT_THAT(orphans(), IsEmpty());
    EXPECT_THAT(due(), IsEmpty());
}

TEST_F(ResendingTest, LeavesItToAHolderWhoLivesAfterAll) {
    const auto lease = take(upload());
    let_time_pass("66 s");
    const auto found = orphans();
    EXPECT_THAT(run(store.renew({lease}, 1min)).value(), IsEmpty());
    resent(found);
    EXPECT_EQ(column("lease_until > now()"), "t");
    commit(lease);
}

TEST_F(ResendingTest, FindsWhatNobodyWasToldOf) {
    const auto ready = take(numbered(1));
    commit(ready);
    const auto dead = take(numbered(2));
    ASSERT_TRUE(run(store.record_dead(dead, "gone")).value());
    EXPECT_THAT(orphans(), IsEmpty());
    let_time_pass("66 s");
    EXPECT_THAT(orphans(), SizeIs(2));
    let_time_pass("31 s");
    const auto again = orphans();
    EXPECT_THAT(again, SizeIs(2));
    resent(again);
    let_time_pass("1 h");
    EXPECT_THAT(orphans(), IsEmpty());
}

TEST_F(ResendingTest, ForgetsWhatEverybodyWasToldOf) {
    const auto ready = take(numbered(1));
    commit(ready);
    ASSERT_TRUE(run(store.told(ready.media, ready.token)));
    const auto dead = take(numbered(2));
    ASSERT_TRUE(run(store.record_dead(dead, "gone")).value());
    ASSERT_TRUE(run(store.told(dead.media, dead.token)));
    EXPECT_EQ(column("sum(num_nulls(lease_owner, lease_token, lease_until))"), "6");
    let_time_pass("1 h");
    EXPECT_THAT(orphans(), IsEmpty());
}

TEST_F(ResendingTest, KeepsAnOrphanWhoseEventDidNotArrive) {
    commit(take(numbered(1)));
    ASSERT_TRUE(run(store.record_dead(take(numbered(2)), "gone")).value());
    let_time_pass("1 h");
    const auto taken = orphans();
    ASSERT_THAT(taken, SizeIs(2));
    resent(taken, false);
    EXPECT_THAT(orphans(), SizeIs(2));
}

TEST_F(ResendingTest, KeepsTheLeaseOfARowThatEndedUnknownToItsHolder) {
    const auto ready = take(numbered(1));
    commit(ready);
    const auto dead = take(numbered(2));
    ASSERT_TRUE(run(store.record_dead(dead, "gone")).value());
    for (const auto& lease : {ready, dead}) {
        EXPECT_FALSE(run(store.release(lease)).value());
        EXPECT_FALSE(run(store.park(lease, 0s, "", ParkedAfter::no_try)).value());
    }
    let_time_pass("1 h");
    EXPECT_THAT(orphans(), SizeIs(2));
}

TEST_F(ResendingTest, DiesOnceHoweverOftenThatIsRecorded) {
    const auto lease = take(upload("one"));
    ASSERT_TRUE(run(store.record_dead(lease, "gone")).value());
    EXPECT_THAT(*run(store.record_dead(lease, "gone")).value(), testing::ElementsAre("one"));
    EXPECT_EQ(column("retry_count || status"), "1failed");
}

TEST_F(ResendingTest, CountsNoStartThatOnlyWaited) {
    const auto lease = take(upload());
    ASSERT_TRUE(run(store.count_start(lease, false)));
    ASSERT_TRUE(run(store.count_start(lease, false))) << "its answer may have been lost";
    EXPECT_EQ(column("starts"), "0");
    ASSERT_TRUE(run(store.count_start(lease, true)));
    EXPECT_EQ(column("starts"), "1");
    let_lease_run_out();
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", ParkedAfter::no_try)));
    EXPECT_EQ(column("starts"), "1");
}

TEST_F(ResendingTest, KeepsWhatTheHeadersOfTheEventTold) {
    auto told = upload();
    told.traceparent = "00-trace";
    told.first_seen = "2026-11-20T00:00:00.000Z";
    told.replays = 2;
    const auto lease = take(told);
    claim(upload("another event, which is merged"));
    ASSERT_TRUE(run(store.park(lease, 0s, "", ParkedAfter::no_try)));
    const auto taken = due();
    ASSERT_THAT(taken, SizeIs(1));
    EXPECT_EQ(taken[0].traceparent, told.traceparent);
    EXPECT_EQ(taken[0].first_seen, told.first_seen);
    EXPECT_EQ(taken[0].replays, told.replays);
}

TEST_F(ResendingTest, FindsWhatWasLostWithItsQueue) {
    ASSERT_TRUE(run(store.register_upload(upload(), "the event")));
    ASSERT_TRUE(run(store.mark_published(upload().media, "event-1")));
    EXPECT_THAT(lost(), IsEmpty());
    let_time_pass("61 s");
    EXPECT_THAT(lost({"other"}), IsEmpty());
    EXPECT_THAT(orphans(), IsEmpty());
    const auto found = lost();
    EXPECT_THAT(found, SizeIs(1));
    EXPECT_THAT(lost(), IsEmpty());
    resent(found);
    EXPECT_THAT(lost(), IsEmpty());
}

}  // namespace
}  // namespace prewarm
