/// How long to wait before trying again.
#pragma once

#include <algorithm>
#include <chrono>

namespace prewarm {

/// A random time between zero and a bound that is `first`, doubled with every failure up to
/// `longest` (full jitter), so that those who failed together do not come back together. `chance`
/// is within 0 and 1.
inline std::chrono::milliseconds full_jitter(std::chrono::milliseconds first,
                                             std::chrono::milliseconds longest, unsigned failures,
                                             double chance) {
    auto bound = std::min(first, longest);
    for (; failures > 0 && bound < longest; --failures)
        bound = std::min(2 * bound, longest);
    return std::chrono::round<std::chrono::milliseconds>(
        std::chrono::duration<double, std::milli>{bound} * chance);
}

}  // namespace prewarm
