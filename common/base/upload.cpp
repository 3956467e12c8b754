#include "common/base/upload.hpp"

namespace prewarm {

std::string_view name_of(FailureReason reason) {
    switch (reason) {
        case FailureReason::undecodable:
            return "UNDECODABLE";
        case FailureReason::invalid_event:
            return "INVALID_EVENT";
        case FailureReason::unknown_bot:
            return "UNKNOWN_BOT";
        case FailureReason::object_missing:
            return "OBJECT_MISSING";
        case FailureReason::object_mismatch:
            return "OBJECT_MISMATCH";
        case FailureReason::too_large:
            return "TOO_LARGE";
        case FailureReason::rejected_by_telegram:
            return "REJECTED_BY_TELEGRAM";
        case FailureReason::attempts_exhausted:
            return "ATTEMPTS_EXHAUSTED";
        case FailureReason::crash_loop:
            return "CRASH_LOOP";
    }
    return "FAILURE_REASON_UNSPECIFIED";
}

}  // namespace prewarm
