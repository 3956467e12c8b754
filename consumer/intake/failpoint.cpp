#include "consumer/intake/failpoint.hpp"

#ifdef PREWARM_FAILPOINTS

#include <csignal>
#include <cstdlib>
#include <string>

namespace prewarm {

void failpoint(std::string_view name) {
    static const char* const wanted = std::getenv("PREWARM_FAILPOINT");
    if (wanted == nullptr) return;
    const std::string_view text{wanted};
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || text.substr(0, colon) != name) return;
    static int left = std::atoi(wanted + colon + 1);
    if (--left == 0) (void)std::raise(SIGKILL);
}

std::chrono::milliseconds patience(std::chrono::milliseconds usual) {
    static const char* const hurry = std::getenv("PREWARM_HURRY");
    return usual / (hurry == nullptr ? 1 : std::atol(hurry));
}

}  // namespace prewarm

#endif
