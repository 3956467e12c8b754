/// Telegram's limits as a pure decision, the same text wherever it is made: rules.lua.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "common/budget/turns.hpp"

struct lua_State;

namespace prewarm::budget {

/// The decision as a script for Redis, which keeps the state of a bot in KEYS[1]: ARGV[1] is an
/// `encode`d request, and the reply is for `decode_answer`. Time is Redis' own.
const std::string& shared_rules();

/// The decision in this process, with a state of its own, for one bot.
class Rules {
public:
    Rules();

    /// `now` counts from any moment, and does not go back.
    Answer decide(std::chrono::milliseconds now, const Request& request);

private:
    struct Close {
        void operator()(lua_State* lua) const;
    };

    std::unique_ptr<lua_State, Close> lua_;
};

}  // namespace prewarm::budget
