/// Bots and their tokens.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/failure.hpp"

namespace prewarm::sandbox {

struct Bot {
    std::int64_t id = 0;
    std::string username;
};

/// The bot of a token of the right form, `<digits>:<secret>`; nothing when it has another.
std::optional<Bot> bot_of_token(std::string_view token);

/// Tokens with their bots, from a file like PREWARM_BOTS_FILE (contract, section 7).
using BotList = std::map<std::string, Bot, std::less<>>;
Result<BotList> read_bots_file(const std::string& path);

}  // namespace prewarm::sandbox
