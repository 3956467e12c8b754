#include "common/base/failure.hpp"

namespace prewarm {

std::string_view name_of(FailureKind kind) {
    switch (kind) {
        case FailureKind::transient:
            return "transient";
        case FailureKind::throttled:
            return "throttled";
        case FailureKind::unavailable:
            return "unavailable";
        case FailureKind::misconfigured:
            return "misconfigured";
        case FailureKind::not_found:
            return "not_found";
        case FailureKind::mismatch:
            return "mismatch";
        case FailureKind::too_large:
            return "too_large";
        case FailureKind::refused:
            return "refused";
    }
    return "unknown";
}

}  // namespace prewarm
