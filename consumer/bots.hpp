/// The bots we may send with: PREWARM_BOTS_FILE.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/failure.hpp"
#include "common/base/secret.hpp"

namespace prewarm {

struct Bot {
    Secret token;  ///< `<id>:<secret>`, as BotFather gives it.
    std::vector<std::int64_t> storage_chats;
};

using Bots = std::map<std::string, Bot, std::less<>>;

/// Reads `{"<bot_slug>": {"token": "...", "storage_chats": [<id>, ...]}}`. Every problem is in the
/// failure's detail, a line each, without any token.
Result<Bots> read_bots(std::string_view json);

}  // namespace prewarm
