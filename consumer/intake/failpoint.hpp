/// Kills this process between two steps, for tests/chaos.
#pragma once

#include <string_view>

namespace prewarm {

#ifdef PREWARM_FAILPOINTS
/// Ends the process with SIGKILL if the variable PREWARM_FAILPOINT is `<name>:<n>` and this is the
/// n-th time that `name` is passed.
void failpoint(std::string_view name);
#else
inline void failpoint(std::string_view) {}
#endif

}  // namespace prewarm
