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
        return run(store.take_due(most, 30s, std::move(bots))).value();
    }
    std::vector<LostEvent> orphans(bool queue_is_empty,
                                   std::vector<std::string> bots = {"bot"}) {
        return run(store.take_orphans(10, 30s, std::move(bots), queue_is_empty, 1min)).value();
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
    ASSERT_TRUE(run(store.park(take(upload()), 1h, "trouble", true)).value());
    EXPECT_EQ(
        column("retry_count || ' ' || starts || ' ' || last_error || ' ' || "
               "num_nulls(lease_owner, lease_token, lease_until) || ' ' || "
               "(next_retry_at BETWEEN now() + interval '59 min' AND now() + interval '1 h')"),
        "1 0 trouble 3 true");
    EXPECT_THAT(due(), IsEmpty());
    let_time_pass("1 h");
    EXPECT_THAT(due(), SizeIs(1));
}

TEST_F(ResendingTest, CountsNoAttemptThatOnlyWaited) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "r2 is away", false)).value());
    EXPECT_EQ(column("retry_count"), "0");
    EXPECT_EQ(take(upload()).attempt, 1U);
}

TEST_F(ResendingTest, ParksNothingUnderALostLease) {
    const auto lost = take(upload(), "one");
    let_lease_run_out();
    take(upload(), "two");
    EXPECT_FALSE(run(store.park(lost, 0s, "", false)).value());
    EXPECT_FALSE(run(store.record_dead(lost, "")).value());
    EXPECT_EQ(column("next_retry_at"), "null");
}

TEST_F(ResendingTest, TellsAllWhomADeathAnswers) {
    const auto lease = take(upload("one"));
    claim(upload("two"));
    EXPECT_THAT(*run(store.record_dead(lease, "gone")).value(), testing::ElementsAre("one", "two"));
}

TEST_F(ResendingTest, GivesADueEventToOneWhoWillSendIt) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", false)));
    const auto taken = due();
    ASSERT_THAT(taken, SizeIs(1));
    EXPECT_EQ(taken[0].media, upload().media);
    EXPECT_EQ(taken[0].encoded_event, "the event");
    EXPECT_THAT(due(), IsEmpty());
    EXPECT_THAT(orphans(true), IsEmpty());

    resent(taken);
    EXPECT_EQ(column("next_retry_at"), "null");
    let_time_pass("40 s");
    EXPECT_THAT(due(), IsEmpty());
}

TEST_F(ResendingTest, GivesItToAnotherWhenTheFirstDies) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", false)));
    EXPECT_THAT(due(), SizeIs(1));
    let_time_pass("31 s");
    EXPECT_THAT(due(), SizeIs(1));
}

TEST_F(ResendingTest, IsDueAtOnceWhenTheBrokerDidNotTakeIt) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", false)));
    resent(due(), false);
    EXPECT_THAT(due(), SizeIs(1));
}

TEST_F(ResendingTest, LeavesAloneWhatWasClaimedMeanwhile) {
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", false)));
    const auto taken = due();
    const auto lease = take(upload());
    ASSERT_TRUE(run(store.park(lease, 1h, "again", false)).value());
    resent(taken);
    EXPECT_EQ(column("next_retry_at > now() + interval '59 min'"), "t");
}

TEST_F(ResendingTest, DealsEachEventToOneOfManyAtOnce) {
    for (int number = 0; number < 40; ++number)
        ASSERT_TRUE(run(store.park(take(numbered(number)), 0s, "", false)));
    postgres::Pool others_pool{{.url = database.url()}};
    MediaStore others{others_pool};
    std::vector<MediaKey> dealt;
    const auto take_some = [&](MediaStore& with) -> asio::awaitable<void> {
        for (int time = 0; time < 10; ++time) {
            for (const auto& event : (co_await with.take_due(5, 30s, {"bot"})).value())
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
    ASSERT_TRUE(run(store.park(take(upload()), 0s, "", false)));
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
        ASSERT_TRUE(run(store.park(take(numbered(number)), 0s, "", false)));
        let_time_pass("1 s");
    }
    const auto first = due({"bot"}, 2);
    ASSERT_THAT(first, SizeIs(2));
    for (const auto& event : first)
        EXPECT_TRUE(event.media == numbered(0).media || event.media == numbered(1).media);
}

TEST_F(ResendingTest, FindsWhatADeadHolderLeft) {
    take(upload());
    EXPECT_THAT(orphans(false), IsEmpty());
    let_time_pass("62 s");
    const auto found = orphans(false);
    ASSERT_THAT(found, SizeIs(1));
    resent(found);
    EXPECT_EQ(column("num_nulls(lease_owner, lease_token, lease_until, next_retry_at)"), "4");
    // It waits in the queue now, for as long as that is.
    let_time_pass("1 day");
    EXPECT_THAT(orphans(false), IsEmpty());
}

TEST_F(ResendingTest, FindsWhatWasLostWithItsQueue) {
    ASSERT_TRUE(run(store.register_upload(upload(), "the event")));
    ASSERT_TRUE(run(store.mark_published(upload().media, "event-1")));
    EXPECT_THAT(orphans(true), IsEmpty());
    let_time_pass("61 s");
    EXPECT_THAT(orphans(false), IsEmpty());
    EXPECT_THAT(orphans(true, {"other"}), IsEmpty());
    const auto found = orphans(true);
    EXPECT_THAT(found, SizeIs(1));
    EXPECT_THAT(orphans(true), IsEmpty());
    resent(found);
    EXPECT_THAT(orphans(true), IsEmpty());
}

TEST_F(ResendingTest, LooksForNothingThatHasEnded) {
    commit(take(numbered(1)));
    ASSERT_TRUE(run(store.record_dead(take(numbered(2)), "")));
    let_time_pass("1 day");
    EXPECT_THAT(due(), IsEmpty());
    EXPECT_THAT(orphans(true), IsEmpty());
}

}  // namespace
}  // namespace prewarm
