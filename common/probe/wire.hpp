/// What is said between a process that probes and the one that has the bytes. Both are of one
/// build, on one machine; but the one that probes may have been taken over by a hostile file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/failure.hpp"
#include "common/probe/probe.hpp"

namespace prewarm::probe {

/// From the one that probes. After a question it gets an Answer, and then as many bytes.
struct Message {
    std::uint64_t is_result = 0;  ///< 0: a question for `size` bytes from `first` on.
    std::uint64_t first = 0;
    std::uint64_t size = 0;  ///< Of the result that follows, if it is one.
};

/// Zero bytes: they cannot be had, and there is no use in asking for others.
struct Answer {
    std::uint64_t size = 0;
};

inline constexpr std::uint64_t most_result_bytes = 256 * 1024;

std::string encode(const Result<Found>& result);
/// `refused` for what encode() would not have made.
Result<Found> decode(std::string_view text);

}  // namespace prewarm::probe
