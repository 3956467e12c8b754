#include "consumer/warm/outcome.hpp"

#include <gtest/gtest.h>

namespace prewarm::warm {
namespace {

FailureReason reason_after(Step step, FailureKind kind, std::uint32_t attempt = 1) {
    const auto outcome = after_failure(step, Failure{kind, "why"}, attempt);
    EXPECT_TRUE(std::holds_alternative<DeadLettered>(outcome));
    return std::get<DeadLettered>(outcome).reason;
}

TEST(AfterFailure, DeadLettersWhatIsTheItemsOwnFaultAtOnce) {
    EXPECT_EQ(reason_after(Step::transfer, FailureKind::not_found), FailureReason::object_missing);
    EXPECT_EQ(reason_after(Step::transfer, FailureKind::mismatch), FailureReason::object_mismatch);
    EXPECT_EQ(reason_after(Step::transfer, FailureKind::too_large), FailureReason::too_large);
    EXPECT_EQ(reason_after(Step::transfer, FailureKind::refused),
              FailureReason::rejected_by_telegram);
    EXPECT_EQ(reason_after(Step::claim, FailureKind::refused), FailureReason::invalid_event);
}

TEST(AfterFailure, HandsAnythingElseBackOnce) {
    for (const auto kind : {FailureKind::transient, FailureKind::throttled,
                            FailureKind::unavailable, FailureKind::misconfigured}) {
        const auto first = after_failure(Step::transfer, Failure{kind, "why"}, 1);
        EXPECT_EQ(std::get<HandedBack>(first).why, "transfer: why");
        EXPECT_EQ(reason_after(Step::transfer, kind, 2), FailureReason::attempts_exhausted);
    }
}

TEST(AfterFailure, TellsTheAttempts) {
    const auto outcome = after_failure(Step::commit, Failure{FailureKind::transient, "x"}, 7);
    EXPECT_EQ(std::get<DeadLettered>(outcome).attempts, 7U);
    EXPECT_EQ(std::get<DeadLettered>(outcome).detail, "commit: x");
}

}  // namespace
}  // namespace prewarm::warm
