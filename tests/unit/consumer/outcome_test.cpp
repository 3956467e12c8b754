#include "consumer/warm/outcome.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::warm {
namespace {

using namespace std::chrono_literals;

constexpr RetryPolicy policy{.max_attempts = 3, .backoff = 2s, .longest_backoff = 5s};

Failure failure(FailureKind kind) {
    return Failure{kind, "why"};
}

template <class Verdict>
Verdict judged(const Failure& failed, const Situation& situation = {}) {
    const auto verdict = judge(failed, situation, policy);
    EXPECT_TRUE(std::holds_alternative<Verdict>(verdict)) << verdict.index();
    return std::get<Verdict>(verdict);
}

TEST(Judge, DeadLettersWhatIsTheItemsOwnFaultAtOnce) {
    const auto reason = [](FailureKind kind, Step step = Step::transfer) {
        return judged<DeadLettered>(failure(kind), {.step = step}).reason;
    };
    EXPECT_EQ(reason(FailureKind::not_found), FailureReason::object_missing);
    EXPECT_EQ(reason(FailureKind::mismatch), FailureReason::object_mismatch);
    EXPECT_EQ(reason(FailureKind::too_large), FailureReason::too_large);
    EXPECT_EQ(reason(FailureKind::refused), FailureReason::rejected_by_telegram);
    EXPECT_EQ(reason(FailureKind::refused, Step::claim), FailureReason::invalid_event);
    EXPECT_EQ(reason(FailureKind::refused, Step::commit), FailureReason::invalid_event);
}

TEST(Judge, TellsAttemptAndStepOfADeadLetter) {
    const auto dead = judged<DeadLettered>(failure(FailureKind::mismatch), {.attempt = 7});
    EXPECT_EQ(dead.attempts, 7U);
    EXPECT_EQ(dead.detail, "transfer: why");
}

TEST(Judge, TriesAnotherChatAtOnce) {
    const auto refused = failure(FailureKind::chat_refused);
    EXPECT_EQ(judged<RetryHere>(refused, {.attempt = 99, .tries_here = 49}).wait, 0ms);
    EXPECT_TRUE(judged<Parked>(refused, {.tries_here = 50}).failed);
}

TEST(Judge, TriesAnotherWayAtOnce) {
    const auto closed = failure(FailureKind::way_closed);
    EXPECT_EQ(judged<RetryHere>(closed, {.attempt = 99, .tries_here = 9}).wait, 0ms);
    EXPECT_TRUE(judged<Parked>(closed, {.tries_here = 10}).failed);
}

TEST(Judge, ParksTheJobsOfARefusedBotWithoutBlame) {
    const auto parked = judged<Parked>(failure(FailureKind::bot_refused), {.attempt = 99});
    EXPECT_FALSE(parked.failed);
    EXPECT_GT(parked.wait, 0ms);
}

TEST(Judge, BlamesNoJobForAnOutage) {
    for (const auto kind : {FailureKind::transient, FailureKind::unavailable,
                            FailureKind::misconfigured, FailureKind::outcome_unknown}) {
        const auto parked =
            judged<Parked>(failure(kind), {.attempt = 99, .tries_here = 9, .source_is_down = true});
        EXPECT_FALSE(parked.failed);
        EXPECT_EQ(parked.why, "transfer: why");
    }
}

TEST(Judge, SpreadsWhatWaitsForTheSameOutage) {
    const auto wait = [](double chance) {
        return judged<Parked>(failure(FailureKind::unavailable),
                              {.source_is_down = true, .chance = chance})
            .wait;
    };
    EXPECT_EQ(wait(0), 500ms);
    EXPECT_EQ(wait(1), 1500ms);
}

TEST(Judge, WaitsForAsLongAsItWasAsked) {
    Failure throttled{FailureKind::throttled, "slow down", 1s};
    EXPECT_EQ(judged<RetryHere>(throttled, {.chance = 0}).wait, 1000ms);
    EXPECT_EQ(judged<RetryHere>(throttled, {.chance = 1}).wait, 1250ms);
    throttled.retry_after = 40s;
    const auto parked = judged<Parked>(throttled, {.attempt = 99, .chance = 0});
    EXPECT_EQ(parked.wait, 40s);
    EXPECT_FALSE(parked.failed);
}

TEST(Judge, ParksWhatIsThrottledAgainAndAgain) {
    const Failure throttled{FailureKind::throttled, "slow down", 1s};
    EXPECT_FALSE(judged<Parked>(throttled, {.attempt = 99, .tries_here = 3}).failed);
    EXPECT_FALSE(judged<Parked>(failure(FailureKind::throttled), {.tries_here = 3}).failed);
}

TEST(Judge, AsksTheBudgetAfterAFloodAtTelegram) {
    Failure throttled{FailureKind::throttled, "flood", 40s};
    throttled.source = Dependency::telegram;
    EXPECT_EQ(judged<RetryHere>(throttled).wait, 0ms);
    EXPECT_EQ(judged<Parked>(throttled, {.tries_here = 3, .chance = 0}).wait, 2s)
        << "its turn may come earlier, in another chat";
}

TEST(Judge, TakesMoreThanBadLuckForAFailedAttempt) {
    for (const auto kind :
         {FailureKind::transient, FailureKind::unavailable, FailureKind::misconfigured}) {
        EXPECT_EQ(judged<RetryHere>(failure(kind)).wait, 500ms);
        EXPECT_EQ(judged<RetryHere>(failure(kind), {.tries_here = 2}).wait, 500ms);
        EXPECT_TRUE(judged<Parked>(failure(kind), {.tries_here = 3}).failed);
    }
}

TEST(Judge, DoesNotHurryToPostWhatMayHaveBeenPosted) {
    EXPECT_TRUE(judged<Parked>(failure(FailureKind::outcome_unknown)).failed);
}

TEST(Judge, BacksOffFromAttemptToAttempt) {
    const auto wait = [](std::uint32_t attempt, double chance) {
        return judged<Parked>(failure(FailureKind::outcome_unknown),
                              {.attempt = attempt, .chance = chance})
            .wait;
    };
    EXPECT_EQ(wait(1, 1), 2s);
    EXPECT_EQ(wait(2, 1), 4s);
    EXPECT_EQ(wait(2, 0), 0s);
}

TEST(Judge, GivesUpAfterTheLastAttempt) {
    const auto dead =
        judged<DeadLettered>(failure(FailureKind::transient), {.attempt = 3, .tries_here = 3});
    EXPECT_EQ(dead.reason, FailureReason::attempts_exhausted);
    EXPECT_EQ(dead.attempts, 3U);
}

}  // namespace
}  // namespace prewarm::warm
