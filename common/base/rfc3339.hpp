#pragma once

#include <chrono>
#include <string>

namespace prewarm {

/// `2026-11-21T10:50:12.123Z`: UTC, to the millisecond.
std::string rfc3339(std::chrono::system_clock::time_point time);

}  // namespace prewarm
