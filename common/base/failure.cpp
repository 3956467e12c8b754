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
        case FailureKind::way_closed:
            return "way_closed";
        case FailureKind::chat_refused:
            return "chat_refused";
        case FailureKind::bot_refused:
            return "bot_refused";
        case FailureKind::outcome_unknown:
            return "outcome_unknown";
    }
    return "unknown";
}

std::string_view name_of(Dependency dependency) {
    switch (dependency) {
        case Dependency::postgres:
            return "postgres";
        case Dependency::redis:
            return "redis";
        case Dependency::rabbitmq:
            return "rabbitmq";
        case Dependency::r2:
            return "r2";
        case Dependency::telegram:
            return "telegram";
    }
    return "unknown";
}

}  // namespace prewarm
