#include "consumer/warm/outcome.hpp"

#include <algorithm>
#include <optional>

#include "common/base/text.hpp"
#include "common/runtime/backoff.hpp"

namespace prewarm::warm {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// A longer wait gives the slot to somebody else.
constexpr milliseconds longest_wait_here = 2s;
constexpr milliseconds longest_wait_for_a_turn = 1min;
// A job that nobody throttles has this many tries before its bad luck is called a failed attempt.
constexpr std::uint32_t free_tries = 3;
// One after the other refuses it: that is no matter of chats any more.
constexpr std::uint32_t most_chats_tried = 50;
// Forwarded, fetched, in an album: each may be closed once.
constexpr std::uint32_t most_ways_tried = 10;
// Where nothing says when it is over. Whoever knows that it still lasts keeps parked jobs back.
constexpr milliseconds pause_of_unknown_length = 1s;

/// The reason, where the item itself is at fault.
std::optional<FailureReason> item_fault(Step step, FailureKind kind) {
    switch (kind) {
        case FailureKind::not_found:
            return FailureReason::object_missing;
        case FailureKind::mismatch:
            return FailureReason::object_mismatch;
        case FailureKind::too_large:
            return FailureReason::too_large;
        case FailureKind::refused:
            // What is refused elsewhere are values of the event that cannot be stored or sent.
            return step == Step::transfer ? FailureReason::rejected_by_telegram
                                          : FailureReason::invalid_event;
        default:
            return std::nullopt;
    }
}

/// Between half of `wait` and one and a half, so that not all come back at the same moment.
milliseconds around(milliseconds wait, double chance) {
    return std::chrono::round<milliseconds>(std::chrono::duration<double, std::milli>{wait} *
                                            (0.5 + chance));
}

/// For as long as was asked, and up to a quarter more.
milliseconds at_least(milliseconds wait, double chance) {
    return wait + std::chrono::round<milliseconds>(std::chrono::duration<double, std::milli>{wait} *
                                                   (chance / 4));
}

}  // namespace

std::string_view name_of(Step step) {
    switch (step) {
        case Step::claim:
            return "claim";
        case Step::budget:
            return "budget";
        case Step::transfer:
            return "transfer";
        case Step::commit:
            return "commit";
        case Step::invalidate:
            return "invalidate";
        case Step::announce:
            return "announce";
    }
    return "unknown";
}

std::variant<RetryHere, Parked, DeadLettered> judge(const Failure& failure,
                                                    const Situation& situation,
                                                    const RetryPolicy& policy) {
    const auto chance = situation.chance;
    // It quotes servers, and goes into headers, events and the database.
    auto why = std::string{name_of(situation.step)} + ": " + printable(failure.detail);
    if (const auto reason = item_fault(situation.step, failure.kind)) {
        return DeadLettered{*reason, std::move(why), situation.attempt};
    }
    const bool may_try_here = situation.tries_here < free_tries;
    if (failure.kind == FailureKind::throttled) {
        // The budget has heard of it: it gives another chat, or says how long all of them rest.
        if (failure.source == Dependency::telegram && may_try_here) return RetryHere{0ms};
        const auto asked = failure.retry_after.value_or(pause_of_unknown_length);
        // Its turn may come much earlier, in another chat.
        if (failure.source == Dependency::telegram) {
            return Parked{.wait = std::min(asked, longest_wait_here),
                          .why = std::move(why),
                          .for_its_turn = true};
        }
        // The budget knows to the moment, and how many may come then. But a chat may be added, or
        // its rights mended, at any time.
        if (situation.step == Step::budget) {
            return Parked{.wait = std::min(asked, longest_wait_for_a_turn),
                          .why = std::move(why),
                          .for_its_turn = true};
        }
        if (asked <= longest_wait_here && may_try_here) return RetryHere{at_least(asked, chance)};
        return Parked{at_least(asked, chance), std::move(why)};
    }
    if (failure.kind == FailureKind::bot_refused || situation.source_is_down) {
        return Parked{around(pause_of_unknown_length, chance), std::move(why)};
    }
    // The budget gives another one, and says when they all rest.
    if (failure.kind == FailureKind::chat_refused && situation.tries_here < most_chats_tried) {
        return RetryHere{0ms};
    }
    if (failure.kind == FailureKind::way_closed && situation.tries_here < most_ways_tried)
        return RetryHere{0ms};

    // That an upload may have been posted is a reason not to hurry into posting it again.
    if (may_try_here && failure.kind != FailureKind::outcome_unknown) {
        return RetryHere{around(policy.backoff / 4, chance)};
    }
    if (situation.attempt >= policy.max_attempts) {
        return DeadLettered{FailureReason::attempts_exhausted, std::move(why), situation.attempt};
    }
    return Parked{
        full_jitter(policy.backoff, policy.longest_backoff, situation.attempt - 1, chance),
        std::move(why), true};
}

}  // namespace prewarm::warm
