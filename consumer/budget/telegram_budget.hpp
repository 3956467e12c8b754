/// What Telegram takes from each bot, shared by all instances: whose turn it is, and to which chat.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/metrics/registry.hpp"
#include "common/runtime/task_group.hpp"
#include "consumer/bots.hpp"
#include "consumer/budget/line.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// A line for each bot, so that none waits for another's turn. With more than one bot, a quarter
/// of what may be sent at once is left to the others.
///
/// A bot whose token is refused rests until `bot_is_back`. `Parts` outlive it; one loop's thread.
class TelegramBudget : public warm::Budget {
public:
    struct Parts {
        asio::any_io_executor executor;
        const Bots& bots;
        metrics::Registry& metrics;
        warm::Clock& clock;
        /// Asks what all instances share.
        std::function<Task<budget::Answer>(std::string_view bot_slug, const budget::Request&)> ask;
        /// As Line's.
        std::function<bool(const Upload&)> may_share_album{};
        std::function<void(const warm::Album&)> on_left_album{};
    };
    struct Options {
        std::string instance;
        budget::Limits limits;
        std::size_t at_once = 32;  ///< Uploads of this instance.
    };

    TelegramBudget(Parts parts, Options options);

    Task<warm::Turn> wait_turn(const Upload& upload) override;
    bool holds(const Upload& upload, const warm::Turn& turn) const override;
    bool is_turn_for(const Upload& upload, std::uint64_t bytes) override;
    void ended(const Upload& upload, const warm::Turn& turn, warm::Posted posted) override;
    void failed(const Upload& upload, const warm::Turn& turn, const Failure& failure) override;

    /// Jobs that wait for their turn though more could be sent at once.
    std::size_t waiting_for_telegram() const;
    /// Called from the loop when one more may wait. May be empty.
    std::function<void()> on_waiting;

    /// Those whose token Telegram refuses, and all others in the bots file.
    std::vector<std::string> refused_bots() const;
    std::vector<std::string> usable_bots() const;
    void bot_is_back(const std::string& bot_slug);
    /// The bots file says something new: whoever was refused gets another chance.
    void forget_rests();
    /// How many jobs of this bot may be sent from here within that time; `otherwise` if unknown.
    std::size_t room_within(std::string_view bot_slug, std::chrono::milliseconds time,
                            std::size_t otherwise) const;

    /// Asks no more: to be called when nobody waits any more. False when that took too long.
    asio::awaitable<bool> close(std::chrono::steady_clock::time_point deadline);

private:
    struct BotState {
        Line line;
        bool refused = false;
    };

    BotState& state_of(const std::string& bot_slug);
    std::size_t free_slots(const std::string& bot_slug) const;

    Parts parts_;
    Options options_;
    TaskGroup tasks_;
    std::map<std::string, BotState, std::less<>> states_;
    /// Of objects whose events tell none, in bytes, until they are sent.
    std::map<MediaKey, std::uint64_t> sizes_;
};

}  // namespace prewarm
