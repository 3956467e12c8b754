/// Which dead letters are meant.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "producer/dead_letters/dead_letter.hpp"

namespace prewarm::producer {

/// What is empty lets everything through.
struct LetterFilter {
    std::vector<std::string> reasons;  ///< Any of them, in upper or lower case.
    std::string bot;
    std::optional<std::chrono::system_clock::time_point> since;
    std::vector<std::string> names;  ///< See `is_named`; any of them.
    std::uint64_t limit = 0;         ///< At most so many of those that match; 0: all.

    bool matches(const DeadLetter& letter) const;
    /// Neither everything nor just the first so many of it.
    bool selects() const;
};

/// The letter's id or its first four digits or more, its event's id, or its message id.
bool is_named(const DeadLetter& letter, std::string_view name);

}  // namespace prewarm::producer
