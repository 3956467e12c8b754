#include "common/redis/reply.hpp"

#include <algorithm>
#include <array>

namespace prewarm::redis {

std::string_view Error::code() const {
    return std::string_view{text}.substr(0, text.find(' '));
}

Failure failure_of(const Error& error) {
    // Starting, out of memory, cannot persist, a script runs wild, a replica, half a cluster.
    constexpr std::array away{"LOADING",    "OOM",         "MISCONF",    "BUSY",     "READONLY",
                              "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "TRYAGAIN", "UNKILLABLE"};
    // Credentials, rights, protected mode, and a node of a cluster, which has to be asked for as
    // one.
    constexpr std::array ours{"NOAUTH", "WRONGPASS", "NOPERM", "DENIED", "MOVED", "ASK"};
    const auto is = [&](std::string_view code) { return error.code() == code; };
    auto kind = FailureKind::refused;
    if (std::ranges::any_of(away, is)) kind = FailureKind::unavailable;
    if (std::ranges::any_of(ours, is)) kind = FailureKind::misconfigured;
    return Failure{kind, "Redis: " + error.text};
}

}  // namespace prewarm::redis
