/// What becomes of a delivery: one pure decision.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "common/base/failure.hpp"
#include "common/base/upload.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm::warm {

/// The media has a file_id and everybody was told: acknowledge.
struct Ready {
    ReadyMedia media;
    bool already_warm = false;  ///< Nothing was uploaded.
};

/// Somebody is to try again: back to the queue.
struct HandedBack {
    std::string why;
    bool touched = true;  ///< False: it never got an attempt that could fail.
};

/// It can never work, or was tried often enough.
struct DeadLettered {
    FailureReason reason;
    std::string detail;
    std::uint32_t attempts = 0;
};

/// Somebody alive is warming this media: look again after `wait`, without holding a slot.
struct Postponed {
    std::chrono::milliseconds wait;
};

using Outcome = std::variant<Ready, HandedBack, DeadLettered, Postponed>;

/// The outcome of attempt number `attempt` (the first is 1), which failed at `step`. The failures
/// that are the item's own end in a dead letter at once; any other goes back once, then too.
std::variant<HandedBack, DeadLettered> after_failure(Step step, const Failure& failure,
                                                     std::uint32_t attempt);

}  // namespace prewarm::warm
