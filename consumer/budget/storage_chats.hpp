/// Which storage chat an upload goes to.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "consumer/bots.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// Spreads a bot's uploads evenly over its storage chats, unless the event names a chat. `bots`
/// outlives it; one loop's thread.
class StorageChats : public warm::Budget {
public:
    explicit StorageChats(const Bots& bots) : bots_{bots} {}

    Task<std::int64_t> wait_turn(const Upload& upload) override;

private:
    const Bots& bots_;
    std::map<std::string, std::size_t, std::less<>> sent_;  ///< Uploads so far, by bot.
};

}  // namespace prewarm
