/// Which storage chat an upload goes to, and which bots and chats rest.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/metrics/registry.hpp"
#include "consumer/bots.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// Spreads a bot's uploads evenly over those of its storage chats that do not rest, unless the
/// event names a chat that takes it. `bots`, `metrics` and `clock` outlive it; one loop's thread.
///
/// A chat that refuses us rests for ten minutes, or is replaced by the one that it migrated to. A
/// 429 makes its chat rest for as long as it says; when a second chat is told the same meanwhile,
/// it is meant for the bot. A bot whose token is refused rests until `bot_is_back`.
class StorageChats : public warm::Budget {
public:
    StorageChats(const Bots& bots, metrics::Registry& metrics, warm::Clock& clock)
        : bots_{bots}, metrics_{metrics}, clock_{clock} {}

    Task<std::int64_t> wait_turn(const Upload& upload) override;
    void failed(const Upload& upload, std::int64_t chat_id, const Failure& failure) override;

    /// Those whose token Telegram refuses, and all others in the bots file.
    std::vector<std::string> refused_bots() const;
    std::vector<std::string> usable_bots() const;
    void bot_is_back(const std::string& bot_slug);
    /// The bots file says something new: whoever was refused gets another chance.
    void forget_rests();

private:
    using Time = std::chrono::steady_clock::time_point;

    struct Rest {
        Time until;
        bool is_throttled = false;  ///< Else it refused us.
    };
    struct BotState {
        std::size_t turns = 0;
        bool refused = false;
        Time throttled_until;
        std::map<std::int64_t, Rest> rests;           ///< By chat; those that are over, too.
        std::map<std::int64_t, std::int64_t> is_now;  ///< Chats that migrated, and where to.
    };

    static std::int64_t present_id(const BotState& bot, std::int64_t chat_id);
    /// When the chat may be used.
    static Time free_from(const BotState& bot, std::int64_t chat_id);
    void throttle(BotState& bot, const std::string& slug, std::int64_t chat_id,
                  const Failure& failure);

    const Bots& bots_;
    metrics::Registry& metrics_;
    warm::Clock& clock_;
    std::map<std::string, BotState, std::less<>> states_;
};

}  // namespace prewarm
