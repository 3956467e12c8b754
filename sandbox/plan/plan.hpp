/// How long Telegram's limits make a number of media take, by the rules that the service keeps.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/budget/turns.hpp"

namespace prewarm::sandbox {

struct PlanInput {
    std::size_t media = 0;
    std::size_t bots = 1;   ///< Who get equal parts of them.
    std::size_t chats = 1;  ///< Storage chats of each bot.
    bool private_chats = false;
    std::vector<std::uint64_t> sizes;             ///< In bytes, again and again; not empty.
    std::size_t at_once = 32;                     ///< Uploads, of all instances together.
    std::chrono::milliseconds answer_time{500};   ///< Telegram's, after the last byte.
    std::uint64_t bytes_per_second = 10'000'000;  ///< Of one upload.
    budget::Limits limits;
};

struct Plan {
    std::chrono::milliseconds time{};
    std::string binding;  ///< The limit that was waited for longest; empty: none.
    /// Share of the time in which somebody waited for this limit.
    std::map<std::string, double> waited;
};

/// In simulated time; takes some milliseconds for a thousand media.
Plan plan(const PlanInput& input);

}  // namespace prewarm::sandbox
