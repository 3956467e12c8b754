/// The budget that all instances share, in Redis.
#pragma once

#include <string_view>

#include "common/budget/turns.hpp"
#include "common/redis/connection.hpp"
#include "common/runtime/task.hpp"

namespace prewarm {

/// One script and one key a bot, `prewarm:budget:{<bot_slug>}`. `connection` outlives it.
class RedisTurns {
public:
    explicit RedisTurns(redis::Connection& connection) : connection_{connection} {}

    /// What was asked may have taken effect although there is no answer.
    Task<budget::Answer> ask(std::string_view bot_slug, const budget::Request& request);

private:
    redis::Connection& connection_;
};

}  // namespace prewarm
