/// What becomes of a job that failed: one pure decision.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/claim.hpp"
#include "common/base/failure.hpp"
#include "common/base/upload.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm::warm {

// ---- how a job ends ----------------------------------------------------------------------------

/// The media has a file_id and everybody was told: acknowledge.
struct Ready {
    ReadyMedia media;
    bool already_warm = false;  ///< Nothing was uploaded.
};

/// Somebody else is at it, and answers for this event too: acknowledge.
struct Coalesced {};

/// The ledger has it, and sends its event again when it is due: acknowledge.
struct Parked {
    std::chrono::milliseconds wait;
    std::string why;
    bool failed = false;  ///< An attempt failed. Otherwise it only waits, which is no failure.
    bool for_its_turn = false;  ///< It waits for Telegram's limits, as most do under load.
};

/// It can never work, or was tried often enough.
struct DeadLettered {
    FailureReason reason;
    std::string detail;
    std::uint32_t attempts = 0;
    std::vector<std::string> upload_event_ids{};  ///< All that this answers, its own among them.
    std::optional<Lease> lease{};  ///< Kept until all is told; nothing where nothing was recorded.
};

/// The service is stopping; nothing was lost and nothing failed: back to the queue.
struct HandedBack {};

using Outcome = std::variant<Ready, Coalesced, Parked, DeadLettered, HandedBack>;

// ---- what a failure leads to -------------------------------------------------------------------

/// Once more, under the same lease, after a wait too short to park for.
struct RetryHere {
    std::chrono::milliseconds wait;
};

struct Situation {
    Step step = Step::transfer;
    std::uint32_t attempt = 1;     ///< Of this media; failed ones so far, and this one.
    std::uint32_t tries_here = 1;  ///< Under this lease.
    /// The failure's source fails everybody, not only this job.
    bool source_is_down = false;
    double chance = 0.5;  ///< Within 0 and 1; spreads what failed together.
};

/// MEDIA_PREWARM_MAX_ATTEMPTS, _BACKOFF_MS, _BACKOFF_MAX_MS and _RETRY_WEAK_ID.
struct RetryPolicy {
    std::uint32_t max_attempts = 5;
    std::chrono::milliseconds backoff{2000};
    std::chrono::milliseconds longest_backoff{600'000};
    bool retries_weak_id = false;
};

/// Five kinds of failure, of which one burns attempts:
///
/// - the item (not_found, mismatch, too_large, refused): dead letter, at once.
/// - the chat (chat_refused): again at once, to another chat; the budget gives none that rests.
/// - the way there (way_closed): again at once, another way.
/// - the bot (bot_refused): parked until the bot is back.
/// - the surroundings (the source is down, or throttles): parked, or waited for if that is short.
/// - chance (transient, outcome_unknown, and a source that is up after all): tried again, at last
///   with backoff and as a failed attempt.
std::variant<RetryHere, Parked, DeadLettered> judge(const Failure& failure,
                                                    const Situation& situation,
                                                    const RetryPolicy& policy);

}  // namespace prewarm::warm
