#include "consumer/warm/outcome.hpp"

#include <optional>

#include "common/base/text.hpp"

namespace prewarm::warm {
namespace {

constexpr std::uint32_t max_attempts = 2;

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
        case FailureKind::transient:
        case FailureKind::throttled:
        case FailureKind::unavailable:
        case FailureKind::misconfigured:
            return std::nullopt;
    }
    return std::nullopt;
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

std::variant<HandedBack, DeadLettered> after_failure(Step step, const Failure& failure,
                                                     std::uint32_t attempt) {
    // It quotes servers, and goes into headers, events and the database.
    auto detail = std::string{name_of(step)} + ": " + printable(failure.detail);
    if (const auto reason = item_fault(step, failure.kind)) {
        return DeadLettered{*reason, std::move(detail), attempt};
    }
    if (attempt < max_attempts) return HandedBack{std::move(detail)};
    return DeadLettered{FailureReason::attempts_exhausted, std::move(detail), attempt};
}

}  // namespace prewarm::warm
