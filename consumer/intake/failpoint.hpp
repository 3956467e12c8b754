/// What tests/chaos may do to a test build: kill it between two steps, and make it impatient.
#pragma once

#include <chrono>
#include <string_view>

namespace prewarm {

#ifdef PREWARM_FAILPOINTS
/// Ends the process with SIGKILL if the variable PREWARM_FAILPOINT is `<name>:<n>` and this is the
/// n-th time that `name` is passed.
void failpoint(std::string_view name);
/// `usual`, divided by the variable PREWARM_HURRY where that is set.
std::chrono::milliseconds patience(std::chrono::milliseconds usual);
#else
inline void failpoint(std::string_view) {}
inline std::chrono::milliseconds patience(std::chrono::milliseconds usual) {
    return usual;
}
#endif

}  // namespace prewarm
