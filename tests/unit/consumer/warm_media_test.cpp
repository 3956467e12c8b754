#include "consumer/warm/warm_media.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/runtime/deadline.hpp"
#include "common/runtime/task_group.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::warm {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

/// Every port at once: answers what it is told to and remembers what it was asked, in order.
struct ScriptedPorts : Ledger,
                       Budget,
                       Surroundings,
                       Courier,
                       Invalidator,
                       Announcer,
                       Clock,
                       StepObserver {
    std::vector<std::string> calls;
    std::vector<Result<Claim>> claims{Claim{Lease{.media = {}, .token = 7, .attempt = 1}}};
    Result<Turn> turn{Turn{42, "permit"}};
    std::vector<Result<Sent>> sent{Sent{.actual_kind = MediaKind::photo, .file_id = "file"}};
    bool everybody_fails = false;
    std::optional<Failure> missing;
    std::vector<FailureKind> told_to_budget;
    mutable int turns_that_were_lost = 0;
    bool knows_the_size = true;
    std::vector<Posted> posts;
    Parked parked;
    ParkedAfter parked_after{};
    std::vector<bool> counted;
    std::vector<Result<ReadyMedia>> commits{ReadyMedia{.file_id = "file", .version = 1}};
    std::vector<Result<bool>> lease_is_ours{true};
    int wasted = 0;
    std::vector<bool> mended;
    std::vector<Result<>> invalidations{{}};
    Result<> announced{};
    bool read_for_ever = false;
    bool carry_for_ever = false;
    std::vector<Result<bool>> postings_noted{true};
    std::vector<bool> insisted;
    bool weak = false;
    std::string committed;
    std::int64_t chat = 0;
    std::vector<std::chrono::milliseconds> pauses;

    template <class T>
    static T next(std::vector<T>& script) {
        auto front = script.front();
        if (script.size() > 1) script.erase(script.begin());
        return front;
    }

    Task<Claim> claim(const Upload&) override {
        calls.emplace_back("claim");
        co_return next(claims);
    }
    Task<ReadyMedia> commit(const Lease&, const Sent& kept, bool is_weak) override {
        calls.emplace_back("commit");
        committed = kept.file_id;
        weak = is_weak;
        co_return next(commits);
    }
    Task<bool> park(const Lease&, std::chrono::milliseconds wait, std::string why,
                    ParkedAfter after) override {
        calls.emplace_back("park");
        parked = {wait, why, after == ParkedAfter::failed_attempt};
        parked_after = after;
        co_return next(lease_is_ours);
    }
    Task<std::optional<std::vector<std::string>>> record_dead(const Lease&, std::string) override {
        calls.emplace_back("record_dead");
        const auto ours = next(lease_is_ours);
        if (!ours) co_return ours.error();
        std::optional<std::vector<std::string>> answered;
        if (*ours) answered = {"event", "another"};
        co_return answered;
    }
    Task<> told(const Lease&) override {
        calls.emplace_back("told");
        co_return Result<>{};
    }
    Task<> count_start(const Lease&, bool counts) override {
        counted.push_back(counts);
        co_return Result<>{};
    }
    Task<bool> release(const Lease&) override {
        calls.emplace_back("release");
        co_return next(lease_is_ours);
    }
    Task<std::vector<std::string>> record_refused(const MediaKey&, std::string) override {
        calls.emplace_back("record_refused");
        co_return std::vector<std::string>{"another"};
    }
    Task<Turn> wait_turn(const Upload&) override {
        calls.emplace_back("budget");
        co_return turn;
    }
    bool holds(const Upload&, const Turn&) const override { return turns_that_were_lost-- <= 0; }
    bool is_turn_for(const Upload&, std::uint64_t) override {
        return std::exchange(knows_the_size, true);
    }
    void ended(const Upload&, const Turn&, Posted posted) override { posts.push_back(posted); }
    void failed(const Upload&, const Turn&, const Failure& failure) override {
        told_to_budget.push_back(failure.kind);
    }
    asio::awaitable<bool> is_down(Dependency, const MediaKey&) override {
        co_return everybody_fails;
    }
    void works(Dependency) override {}
    std::optional<Failure> away() const override { return missing; }
    Task<bool> note_posting(const Lease&, bool may_be_posted) override {
        if (!may_be_posted) {
            calls.emplace_back("forget_posting");
            co_return true;
        }
        calls.emplace_back("note_posting");
        co_return next(postings_noted);
    }
    Task<Sent> carry(const Upload&, const Errand& errand) override {
        calls.emplace_back("carry");
        chat = errand.turn.chat_id;
        insisted.push_back(errand.insists);
        if (read_for_ever) co_await sleep_for(24h);
        if (auto goes = errand.size_is_known(1'500'000); !goes) co_return goes.error();
        if (auto begun = co_await errand.before_posting(); !begun) co_return begun.error();
        if (carry_for_ever) co_await sleep_for(24h);
        co_return next(sent);
    }
    Task<> invalidate(const ReadyMedia&) override {
        calls.emplace_back("invalidate");
        co_return next(invalidations);
    }
    Task<> announce(const Upload&, const ReadyMedia&, bool) override {
        calls.emplace_back("announce");
        co_return announced;
    }
    std::chrono::steady_clock::time_point now() override { return {}; }
    asio::awaitable<void> pause(std::chrono::milliseconds time) override {
        pauses.push_back(time);
        co_return;
    }
    double chance() override { return 0.5; }
    void step_ended(Step, std::chrono::steady_clock::duration) override {}
    void step_retried(Step, const Failure&) override {}
    void suspect_runs_alone(const Upload&, std::uint32_t) override { calls.emplace_back("alone"); }
    void weak_id_retried(const Upload&, bool is_mended) override { mended.push_back(is_mended); }
    void upload_wasted() override { ++wasted; }
};

class WarmMediaTest : public ::testing::Test {
protected:
    Outcome run() { return test::run_to_end(loop, warm.run(upload, progress)); }

    static Failure from(Dependency source, FailureKind kind) {
        return Failure{.kind = kind, .detail = "trouble", .source = source};
    }

    asio::io_context loop;
    ScriptedPorts ports;
    WarmMedia warm{loop.get_executor(),
                   Ports{ports, ports, ports, ports, ports, ports, ports, ports},
                   {.max_attempts = 2}};
    Progress progress;
    Upload upload{.media = {.bot_slug = "b", .kind = MediaKind::photo}};
};

TEST_F(WarmMediaTest, InvalidatesBeforeItAnnounces) {
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "note_posting", "commit",
                                         "invalidate", "announce", "told"));
    EXPECT_EQ(ports.chat, 42);
}

TEST_F(WarmMediaTest, UploadsNothingThatIsReady) {
    ports.claims = {Claim{ReadyMedia{.version = 3}}};
    const auto outcome = run();
    EXPECT_TRUE(std::get<Ready>(outcome).already_warm);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "invalidate", "announce"));
}

TEST_F(WarmMediaTest, LeavesAMediaToWhoeverIsWarmingIt) {
    ports.claims = {Claim{LeasedElsewhere{30s}}};
    EXPECT_TRUE(std::holds_alternative<Coalesced>(run()));
    EXPECT_THAT(ports.calls, ElementsAre("claim"));
}

TEST_F(WarmMediaTest, WaitsForTheLedgerHoweverLongItIsAway) {
    const Result<Claim> away = Failure{FailureKind::unavailable, "postgres"};
    ports.claims.insert(ports.claims.begin(), 100, away);
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_EQ(ports.pauses.size(), 100U);
    EXPECT_EQ(ports.pauses.back(), 1s);
    EXPECT_TRUE(progress.is_recorded);
}

TEST_F(WarmMediaTest, RefusesAnEventThatCannotBeStored) {
    ports.claims = {Failure{FailureKind::refused, "zero byte"}};
    EXPECT_EQ(std::get<DeadLettered>(run()).reason, FailureReason::invalid_event);
    EXPECT_FALSE(progress.is_recorded);
}

TEST_F(WarmMediaTest, UploadsNothingWhileSomethingIsAway) {
    ports.missing = from(Dependency::r2, FailureKind::unavailable);
    EXPECT_FALSE(std::get<Parked>(run()).failed);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "park"));
}

TEST_F(WarmMediaTest, ParksWithoutBlameWhatFailsForEverybody) {
    ports.sent = {from(Dependency::telegram, FailureKind::outcome_unknown)};
    ports.everybody_fails = true;
    EXPECT_FALSE(std::get<Parked>(run()).failed);
    EXPECT_EQ(ports.parked_after, ParkedAfter::blameless_try);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "note_posting", "park"));
}

TEST_F(WarmMediaTest, GoesToAnotherChatWhenOneRefuses) {
    ports.sent.insert(ports.sent.begin(), from(Dependency::telegram, FailureKind::chat_refused));
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_THAT(ports.calls,
                ElementsAre("claim", "budget", "carry", "note_posting", "forget_posting", "budget",
                            "carry", "note_posting", "commit", "invalidate", "announce", "told"));
    EXPECT_THAT(ports.told_to_budget, ElementsAre(FailureKind::chat_refused));
}

TEST_F(WarmMediaTest, ParksWhileTheBotRests) {
    ports.turn = Failure{FailureKind::bot_refused, "no such token"};
    EXPECT_FALSE(std::get<Parked>(run()).failed);
    EXPECT_EQ(ports.parked_after, ParkedAfter::no_try);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "park"));
}

TEST_F(WarmMediaTest, RunsASuspectAlone) {
    ports.claims = {Claim{Lease{.token = 7, .attempt = 1, .starts = 2}}};
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_EQ(ports.calls[1], "alone");
}

TEST_F(WarmMediaTest, GoesOnUnderALeaseThatIsStillItsOwn) {
    ports.commits = {Failure{FailureKind::transient, "deadlock"},
                     ReadyMedia{.file_id = "file", .version = 1}};
    ports.claims.push_back(Claim{LeasedElsewhere{30s, 7}});
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "note_posting", "commit",
                                         "claim", "commit", "invalidate", "announce", "told"));
}

TEST_F(WarmMediaTest, CountsNoStartWhileASuspectWaitsToBeAlone) {
    ports.carry_for_ever = true;
    TaskGroup jobs{loop.get_executor()};
    const auto job = [this]() -> asio::awaitable<void> {
        Progress mine;
        (void)co_await warm.run(upload, mine);
    };
    jobs.spawn(job());
    loop.poll();
    ports.claims = {Claim{Lease{.token = 8, .attempt = 1, .starts = 2}}};
    jobs.spawn(job());
    loop.restart();
    loop.poll();
    EXPECT_THAT(ports.counted, ElementsAre(false));
    jobs.cancel_all();
    loop.restart();
    loop.run();
    EXPECT_EQ(jobs.running(), 0U);
    EXPECT_THAT(ports.counted, ElementsAre(false));
}

TEST_F(WarmMediaTest, GivesUpOnWhatKillsWhoeverBeginsIt) {
    ports.claims = {Claim{Lease{.token = 7, .attempt = 1, .starts = 6}}};
    EXPECT_EQ(std::get<DeadLettered>(run()).reason, FailureReason::crash_loop);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "record_dead"));
}

TEST_F(WarmMediaTest, NeverSkipsAnInvalidation) {
    const Result<> away = Failure{FailureKind::unavailable, "redis"};
    ports.invalidations = {away, away, Result<>{}};
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_THAT(ports.calls,
                ElementsAre("claim", "budget", "carry", "note_posting", "commit", "invalidate",
                            "invalidate", "invalidate", "announce", "told"));
}

TEST_F(WarmMediaTest, ParksAfterAFailedAttempt) {
    ports.sent = {from(Dependency::telegram, FailureKind::outcome_unknown)};
    const auto outcome = run();
    EXPECT_EQ(std::get<Parked>(outcome).why, "transfer: trouble");
    EXPECT_TRUE(ports.parked.failed);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "note_posting", "park"));
}

TEST_F(WarmMediaTest, DeadLettersAfterTheLastAttempt) {
    ports.claims = {Claim{Lease{.token = 7, .attempt = 2}}};
    ports.sent = {from(Dependency::telegram, FailureKind::outcome_unknown)};
    EXPECT_EQ(std::get<DeadLettered>(run()).reason, FailureReason::attempts_exhausted);
}

TEST_F(WarmMediaTest, RecordsADeadMediaBeforeItIsDeadLettered) {
    ports.sent = {Failure{FailureKind::mismatch, "sha256 differs"}};
    const auto dead = std::get<DeadLettered>(run());
    EXPECT_EQ(dead.reason, FailureReason::object_mismatch);
    EXPECT_THAT(dead.upload_event_ids, ElementsAre("event", "another"));
    EXPECT_THAT(ports.calls,
                ElementsAre("claim", "budget", "carry", "note_posting", "record_dead"));
}

TEST_F(WarmMediaTest, DoesNotAnnounceWhatCanNeverBeStored) {
    ports.commits = {Failure{FailureKind::refused, "no such character"}};
    EXPECT_EQ(std::get<DeadLettered>(run()).reason, FailureReason::invalid_event);
    EXPECT_THAT(ports.calls,
                ElementsAre("claim", "budget", "carry", "note_posting", "commit", "record_dead"));
    EXPECT_EQ(ports.wasted, 1);
}

TEST_F(WarmMediaTest, KeepsAFileIdWhileTheLedgerIsAway) {
    const Result<ReadyMedia> away = Failure{FailureKind::unavailable, "postgres"};
    ports.commits = {away, away, ReadyMedia{.file_id = "file", .version = 1}};
    EXPECT_FALSE(std::get<Ready>(run()).already_warm);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "note_posting", "commit",
                                         "commit", "commit", "invalidate", "announce", "told"));
    EXPECT_EQ(ports.wasted, 0);
}

TEST_F(WarmMediaTest, FindsOutThatACommitWithoutAnAnswerTookEffect) {
    ports.commits = {Failure{FailureKind::unavailable, "postgres"},
                     Failure{FailureKind::transient, "the lease was lost"}};
    ports.claims.push_back(Claim{ReadyMedia{.file_id = "file", .version = 1}});
    EXPECT_FALSE(std::get<Ready>(run()).already_warm);
    EXPECT_EQ(ports.wasted, 0);
}

TEST_F(WarmMediaTest, CommitsUnderANewLeaseIfTheOldOneRanOut) {
    ports.commits = {Failure{FailureKind::transient, "the lease was lost"},
                     ReadyMedia{.file_id = "file", .version = 1}};
    ports.claims.push_back(Claim{Lease{.token = 8, .attempt = 1}});
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "note_posting", "commit",
                                         "claim", "commit", "invalidate", "announce", "told"));
}

TEST_F(WarmMediaTest, TellsNothingIfSomebodyElseWasFaster) {
    ports.commits = {Failure{FailureKind::transient, "the lease was lost"}};
    ports.claims.push_back(Claim{ReadyMedia{.file_id = "theirs", .version = 1}});
    EXPECT_TRUE(std::holds_alternative<Coalesced>(run()));
    EXPECT_THAT(ports.calls,
                ElementsAre("claim", "budget", "carry", "note_posting", "commit", "claim"));
    EXPECT_EQ(ports.wasted, 0) << "they have counted it";
}

TEST_F(WarmMediaTest, TellsNothingOfAnAttemptWhoseLeaseWasLost) {
    ports.sent = {Failure{FailureKind::mismatch, "sha256 differs"}};
    ports.lease_is_ours = {false};
    EXPECT_TRUE(std::holds_alternative<Coalesced>(run()));
    ports.sent = {from(Dependency::telegram, FailureKind::outcome_unknown)};
    EXPECT_TRUE(std::holds_alternative<Coalesced>(run()));
}

TEST_F(WarmMediaTest, RecordsWhatIsRefusedBeforeItIsTried) {
    const auto outcome =
        test::run_to_end(loop, warm.refuse(upload, {FailureReason::unknown_bot, "who?"}));
    EXPECT_EQ(std::get<DeadLettered>(outcome).reason, FailureReason::unknown_bot);
    EXPECT_THAT(ports.calls, ElementsAre("record_refused"));
    EXPECT_THAT(std::get<DeadLettered>(outcome).upload_event_ids,
                ElementsAre("another", upload.event_id));
}

TEST_F(WarmMediaTest, DeadLettersNothingBeforeItIsRecorded) {
    ports.sent = {Failure{FailureKind::mismatch, "sha256 differs"}};
    ports.lease_is_ours = {Failure{FailureKind::unavailable, "postgres"}, true};
    EXPECT_TRUE(std::holds_alternative<DeadLettered>(run()));
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "note_posting", "record_dead",
                                         "record_dead"));
}

TEST_F(WarmMediaTest, KnowsAWeakIdByItsKind) {
    ports.sent[0]->actual_kind = MediaKind::document;
    (void)run();
    EXPECT_TRUE(ports.weak);
}

TEST_F(WarmMediaTest, KnowsAWeakIdByAttributesThatALargeVideoLacked) {
    upload.media.kind = MediaKind::video;
    ports.sent[0]->actual_kind = MediaKind::video;
    ports.sent[0]->bytes = 20'000'000;
    (void)run();
    EXPECT_TRUE(ports.weak);
    upload.attributes = {.width = 1, .height = 1, .duration = 1s};
    (void)run();
    EXPECT_TRUE(ports.weak) << "it counts what was really declared";
    ports.sent[0]->declared = upload.attributes;
    (void)run();
    EXPECT_FALSE(ports.weak);
}

TEST_F(WarmMediaTest, KeepsAWeakIdUnlessItIsToldToTryAgain) {
    ports.sent[0]->actual_kind = MediaKind::document;
    (void)run();
    EXPECT_THAT(ports.insisted, ElementsAre(false));
    EXPECT_THAT(ports.mended, ElementsAre());
}

class WeakIdTest : public WarmMediaTest {
protected:
    WeakIdTest() {
        ports.sent = {Sent{.actual_kind = MediaKind::document, .file_id = "weak"},
                      Sent{.actual_kind = MediaKind::photo, .file_id = "good"}};
    }
    Outcome run() { return test::run_to_end(loop, insisting.run(upload, progress)); }

    WarmMedia insisting{loop.get_executor(),
                        Ports{ports, ports, ports, ports, ports, ports, ports, ports},
                        {.retries_weak_id = true}};
};

TEST_F(WeakIdTest, IsTriedOnceMore) {
    (void)run();
    EXPECT_FALSE(ports.weak);
    EXPECT_EQ(ports.committed, "good");
    EXPECT_THAT(ports.insisted, ElementsAre(false, true));
    EXPECT_THAT(ports.mended, ElementsAre(true));
    EXPECT_EQ(ports.wasted, 1) << "two stand in the chat";
}

TEST_F(WeakIdTest, StaysWhereThatMendsNothing) {
    ports.sent[1]->actual_kind = MediaKind::sticker;
    (void)run();
    EXPECT_TRUE(ports.weak);
    EXPECT_EQ(ports.committed, "weak");
    EXPECT_THAT(ports.mended, ElementsAre(false));
}

TEST_F(WeakIdTest, StaysWhereTheSecondTryFails) {
    ports.sent[1] = from(Dependency::telegram, FailureKind::refused);
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_EQ(ports.committed, "weak");
    EXPECT_EQ(ports.wasted, 0);
}

TEST_F(WeakIdTest, WaitsALittleForItsTurn) {
    ports.sent.insert(ports.sent.begin() + 1, from(Dependency::telegram, FailureKind::throttled));
    (void)run();
    EXPECT_EQ(ports.committed, "good");
}

TEST_F(WarmMediaTest, CountsWhatAnEarlierStartMayHavePosted) {
    ports.claims = {Claim{Lease{.token = 7, .starts = 2, .may_be_posted = true}}};
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_EQ(ports.wasted, 1);
    ports.claims = {Claim{Lease{.token = 7, .starts = 2}}};
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_EQ(ports.wasted, 1) << "nothing was given to Telegram then";
}

TEST_F(WarmMediaTest, PostsNothingUnderALostLease) {
    ports.postings_noted = {false};
    EXPECT_TRUE(std::holds_alternative<Coalesced>(run()));
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "note_posting"));
    EXPECT_THAT(ports.posts, ElementsAre(Posted::no));
}

TEST_F(WarmMediaTest, TakesAnotherTurnWhereItsChatRestsMeanwhile) {
    ports.turns_that_were_lost = 1;
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_THAT(ports.calls,
                ElementsAre("claim", "budget", "carry", "budget", "carry", "note_posting", "commit",
                            "invalidate", "announce", "told"));
    EXPECT_THAT(ports.posts, ElementsAre(Posted::no, Posted::yes));
}

TEST_F(WarmMediaTest, TakesAnotherTurnOnceTheSizeIsKnown) {
    ports.knows_the_size = false;
    ports.sent = {Failure{FailureKind::way_closed, "this way"},
                  Failure{FailureKind::way_closed, "and that"}, Sent{}};
    EXPECT_TRUE(std::holds_alternative<Ready>(run())) << "that was no failure";
    EXPECT_THAT(ports.posts,
                ElementsAre(Posted::no, Posted::perhaps, Posted::perhaps, Posted::yes));
}

TEST_F(WarmMediaTest, PostsNothingThatItCannotNote) {
    ports.postings_noted = {Failure{FailureKind::unavailable, "postgres"}};
    ports.everybody_fails = true;
    EXPECT_FALSE(std::get<Parked>(run()).failed);
    EXPECT_THAT(ports.posts, ElementsAre(Posted::no));
}

TEST_F(WarmMediaTest, GivesTheLeaseUpWhenCancelled) {
    ports.carry_for_ever = true;
    std::optional<Outcome> outcome;
    TaskGroup jobs{loop.get_executor()};
    jobs.spawn([](auto& self, auto& ended) -> asio::awaitable<void> {
        ended = co_await self.warm.run(self.upload, self.progress);
    }(*this, outcome));
    loop.poll();
    jobs.cancel_all();
    loop.restart();
    loop.run();
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(std::holds_alternative<HandedBack>(*outcome));
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "note_posting", "release"));
    EXPECT_EQ(ports.wasted, 1) << "it may have been posted";
}

TEST_F(WarmMediaTest, WastesNothingThatWasOnlyRead) {
    ports.read_for_ever = true;
    TaskGroup jobs{loop.get_executor()};
    jobs.spawn([](auto& self) -> asio::awaitable<void> {
        (void)co_await self.warm.run(self.upload, self.progress);
    }(*this));
    loop.poll();
    jobs.cancel_all();
    loop.restart();
    loop.run();
    EXPECT_EQ(ports.wasted, 0);
    EXPECT_THAT(ports.posts, ElementsAre(Posted::no));
}

}  // namespace
}  // namespace prewarm::warm
