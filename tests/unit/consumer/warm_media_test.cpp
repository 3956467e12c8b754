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
struct ScriptedPorts : Ledger, Budget, Courier, Invalidator, Announcer, Clock, StepObserver {
    std::vector<std::string> calls;
    std::vector<Result<Claim>> claims{Claim{Lease{.media = {}, .token = 7, .attempt = 1}}};
    Result<std::int64_t> turn{42};
    Result<Sent> sent{Sent{.actual_kind = MediaKind::photo, .file_id = "file"}};
    std::vector<Result<ReadyMedia>> commits{ReadyMedia{.file_id = "file", .version = 1}};
    Result<bool> lease_is_ours{true};
    int wasted = 0;
    std::vector<Result<>> invalidations{{}};
    Result<> announced{};
    bool carry_for_ever = false;
    bool weak = false;
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
    Task<ReadyMedia> commit(const Lease&, const Sent&, bool is_weak) override {
        calls.emplace_back("commit");
        weak = is_weak;
        co_return next(commits);
    }
    Task<bool> record_attempt_failed(const Lease&, std::string) override {
        calls.emplace_back("record_attempt_failed");
        co_return lease_is_ours;
    }
    Task<bool> record_dead(const Lease&, std::string) override {
        calls.emplace_back("record_dead");
        co_return lease_is_ours;
    }
    Task<bool> release(const Lease&) override {
        calls.emplace_back("release");
        co_return lease_is_ours;
    }
    Task<bool> record_refused(const MediaKey&, std::string) override {
        calls.emplace_back("record_refused");
        co_return lease_is_ours;
    }
    Task<std::int64_t> wait_turn(const Upload&) override {
        calls.emplace_back("budget");
        co_return turn;
    }
    Task<Sent> carry(const Upload&, std::int64_t chat_id) override {
        calls.emplace_back("carry");
        chat = chat_id;
        if (carry_for_ever) co_await sleep_for(24h);
        co_return sent;
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
    void step_ended(Step, std::chrono::steady_clock::duration) override {}
    void step_retried(Step, const Failure&) override {}
    void upload_wasted() override { ++wasted; }
};

class WarmMediaTest : public ::testing::Test {
protected:
    Outcome run(std::uint32_t deliveries = 1) {
        return test::run_to_end(loop, warm.run(upload, deliveries));
    }

    asio::io_context loop;
    ScriptedPorts ports;
    WarmMedia warm{Ports{ports, ports, ports, ports, ports, ports, ports}};
    Upload upload{.media = {.bot_slug = "b", .kind = MediaKind::photo}};
};

TEST_F(WarmMediaTest, InvalidatesBeforeItAnnounces) {
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_THAT(ports.calls,
                ElementsAre("claim", "budget", "carry", "commit", "invalidate", "announce"));
    EXPECT_EQ(ports.chat, 42);
}

TEST_F(WarmMediaTest, UploadsNothingThatIsReady) {
    ports.claims = {Claim{ReadyMedia{.version = 3}}};
    const auto outcome = run();
    EXPECT_TRUE(std::get<Ready>(outcome).already_warm);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "invalidate", "announce"));
}

TEST_F(WarmMediaTest, PostponesAMediaThatSomebodyElseIsWarming) {
    ports.claims = {Claim{LeasedElsewhere{30s}}, Claim{LeasedElsewhere{3ms}}};
    EXPECT_EQ(std::get<Postponed>(run()).wait, 1000ms);
    EXPECT_EQ(std::get<Postponed>(run()).wait, 10ms);
}

TEST_F(WarmMediaTest, NeverSkipsAnInvalidation) {
    const Result<> away = Failure{FailureKind::unavailable, "redis"};
    ports.invalidations = {away, away, Result<>{}};
    EXPECT_TRUE(std::holds_alternative<Ready>(run()));
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "commit", "invalidate",
                                         "invalidate", "invalidate", "announce"));
}

TEST_F(WarmMediaTest, RecordsAFailedAttemptBeforeItHandsBack) {
    ports.sent = Failure{FailureKind::transient, "reset"};
    const auto outcome = run();
    EXPECT_EQ(std::get<HandedBack>(outcome).why, "transfer: reset");
    EXPECT_TRUE(std::get<HandedBack>(outcome).touched);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "record_attempt_failed"));
}

TEST_F(WarmMediaTest, RecordsADeadMediaBeforeItIsDeadLettered) {
    ports.sent = Failure{FailureKind::mismatch, "sha256 differs"};
    EXPECT_EQ(std::get<DeadLettered>(run()).reason, FailureReason::object_mismatch);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "record_dead"));
}

TEST_F(WarmMediaTest, DoesNotAnnounceWhatCanNeverBeStored) {
    ports.commits = {Failure{FailureKind::refused, "no such character"}};
    EXPECT_EQ(std::get<DeadLettered>(run()).reason, FailureReason::invalid_event);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "commit", "record_dead"));
    EXPECT_EQ(ports.wasted, 1);
}

TEST_F(WarmMediaTest, KeepsAFileIdWhileTheLedgerIsAway) {
    const Result<ReadyMedia> away = Failure{FailureKind::unavailable, "postgres"};
    ports.commits = {away, away, ReadyMedia{.file_id = "file", .version = 1}};
    EXPECT_FALSE(std::get<Ready>(run()).already_warm);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "commit", "commit", "commit",
                                         "invalidate", "announce"));
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
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "commit", "claim", "commit",
                                         "invalidate", "announce"));
}

TEST_F(WarmMediaTest, TellsWhatIsOnRecordIfSomebodyElseWasFaster) {
    ports.commits = {Failure{FailureKind::transient, "the lease was lost"}};
    ports.claims.push_back(Claim{ReadyMedia{.file_id = "theirs", .version = 1}});
    const auto outcome = run();
    EXPECT_EQ(std::get<Ready>(outcome).media.file_id, "theirs");
    EXPECT_EQ(ports.wasted, 1);
}

TEST_F(WarmMediaTest, TellsNothingOfAnAttemptWhoseLeaseWasLost) {
    ports.sent = Failure{FailureKind::mismatch, "sha256 differs"};
    ports.lease_is_ours = false;
    EXPECT_FALSE(std::get<HandedBack>(run()).touched);
}

TEST_F(WarmMediaTest, RecordsWhatIsRefusedBeforeItIsTried) {
    const auto outcome =
        test::run_to_end(loop, warm.refuse(upload, {FailureReason::unknown_bot, "who?"}));
    EXPECT_EQ(std::get<DeadLettered>(outcome).reason, FailureReason::unknown_bot);
    EXPECT_THAT(ports.calls, ElementsAre("record_refused"));
}

TEST_F(WarmMediaTest, DeadLettersNothingThatItCouldNotRecord) {
    ports.sent = Failure{FailureKind::mismatch, "sha256 differs"};
    ports.lease_is_ours = Failure{FailureKind::unavailable, "postgres"};
    EXPECT_TRUE(std::holds_alternative<HandedBack>(run()));
}

TEST_F(WarmMediaTest, CountsDeliveriesWhenTheLedgerIsAway) {
    ports.claims = {Failure{FailureKind::unavailable, "postgres"}};
    EXPECT_TRUE(std::holds_alternative<HandedBack>(run(1)));
    EXPECT_EQ(std::get<DeadLettered>(run(2)).reason, FailureReason::attempts_exhausted);
}

TEST_F(WarmMediaTest, KnowsAWeakIdByItsKind) {
    ports.sent->actual_kind = MediaKind::document;
    (void)run();
    EXPECT_TRUE(ports.weak);
}

TEST_F(WarmMediaTest, KnowsAWeakIdByAttributesThatALargeVideoLacked) {
    upload.media.kind = MediaKind::video;
    ports.sent->actual_kind = MediaKind::video;
    ports.sent->bytes = 20'000'000;
    (void)run();
    EXPECT_TRUE(ports.weak);
    upload.attributes = {.width = 1, .height = 1, .duration = 1s};
    (void)run();
    EXPECT_FALSE(ports.weak);
}

TEST_F(WarmMediaTest, GivesTheLeaseUpWhenCancelled) {
    ports.carry_for_ever = true;
    std::optional<Outcome> outcome;
    TaskGroup jobs{loop.get_executor()};
    jobs.spawn([](auto& self, auto& ended) -> asio::awaitable<void> {
        ended = co_await self.warm.run(self.upload, 1);
    }(*this, outcome));
    loop.poll();
    jobs.cancel_all();
    loop.restart();
    loop.run();
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(std::get<HandedBack>(*outcome).touched);
    EXPECT_THAT(ports.calls, ElementsAre("claim", "budget", "carry", "release"));
}

}  // namespace
}  // namespace prewarm::warm
