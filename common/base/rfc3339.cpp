#include "common/base/rfc3339.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace prewarm {

std::string rfc3339(std::chrono::system_clock::time_point time) {
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                       milliseconds % 1000);
}

}  // namespace prewarm
