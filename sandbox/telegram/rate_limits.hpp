/// Telegram's flood limits, as it enforces them.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>

namespace prewarm::sandbox {

/// Each can be switched off: 0.
struct RateLimits {
    /// Messages a second, of one bot; as many at once ("short bursts may go over this limit").
    double bot_per_second = 30;
    /// Messages a second to one private chat, five at once.
    double chat_per_second = 1;
    /// Messages to one group or channel within any minute.
    unsigned group_per_minute = 20;
    /// Of the Bot API server, for one bot.
    unsigned requests_at_once = 1000;
    unsigned uploads_at_once = 100;
    std::uint64_t upload_bytes_at_once = 4ULL << 30U;
    /// Messages that the server has, and Telegram has not yet, to one chat.
    unsigned unsent_per_chat = 310;
    /// Bots that the server meets for the first time; thirty times as many in an hour.
    unsigned sessions_per_minute = 20;
    /// Requests whose files are together of exactly the same size wait for each other.
    bool spaces_equal_sizes = true;
};

enum class Limit : std::uint8_t {
    bot,
    chat,
    group,
    requests,
    uploads,
    bytes,
    unsent,
    sessions,
    same_size
};
std::string_view name_of(Limit limit);

/// A request was too much.
struct Violation {
    Limit limit = Limit::bot;
    std::chrono::seconds retry_after{1};
    /// It was on its way already when another one was too much.
    bool is_collateral = false;
};

/// Whoever begins another request although it was told to wait is told to wait for longer.
class RateLimiter {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit RateLimiter(RateLimits limits) : limits_{limits} {}

    /// A message is to be posted, or so many at once, all or none, whose request began then. More
    /// than a limit takes at once pass when nothing else has used it up.
    std::optional<Violation> post(Time now, Time began, std::int64_t bot_id, std::int64_t chat_id,
                                  unsigned messages = 1);

    /// A script has told them to wait: who sends to this chat before that is over has not listened.
    void told_to_wait(Time now, std::int64_t bot_id, std::int64_t chat_id,
                      std::chrono::seconds retry_after);

    /// A request begins, perhaps the bot's first; without a violation it is to be ended.
    std::optional<Violation> begin_request(Time now, std::int64_t bot_id);
    void end_request(std::int64_t bot_id);

    /// An upload begins; without a violation it is to be ended.
    std::optional<Violation> begin_upload(std::int64_t bot_id, std::uint64_t bytes);
    void end_upload(std::int64_t bot_id, std::uint64_t bytes);

    /// A message's files are there, and it is to be sent; without a violation that is to be ended.
    std::optional<Violation> begin_sending(std::int64_t bot_id, std::int64_t chat_id);
    void end_sending(std::int64_t bot_id, std::int64_t chat_id);

    /// An upload's files are there, so many bytes together: how long the request is held back.
    std::chrono::milliseconds delay_of_size(Time now, std::int64_t bot_id, std::uint64_t bytes);
    /// Above that the request is refused instead.
    static constexpr std::chrono::milliseconds longest_delay{5000};

private:
    /// So many at once, and so many more as time passes.
    struct Bucket {
        double taken = 0;
        Time since{};
        std::chrono::duration<double> wait(Time now, double per_second, double at_once,
                                           unsigned messages);
    };
    /// Who was told to wait.
    struct Ban {
        Time since{};
        Time until{};
        std::chrono::seconds length{0};
    };
    struct Chat {
        Bucket bucket;
        std::deque<Time> last_minute;
        Ban ban;
        unsigned unsent = 0;
    };
    struct Bot {
        Bucket bucket;
        Ban ban;
        bool has_session = false;
        unsigned requests = 0;
        unsigned uploads = 0;
        std::uint64_t bytes = 0;
        std::map<std::uint64_t, Time> sizes;  ///< When the size's reservations are used up.
        std::map<std::int64_t, Chat> chats;
    };

    static std::optional<Violation> still_banned(Ban& ban, Time now, Time began, Limit limit);
    std::optional<Violation> start_session(Time now);
    static Violation banned(Ban& ban, Time now, Limit limit, std::chrono::duration<double> wait);

    RateLimits limits_;
    std::map<std::int64_t, Bot> bots_;
    std::deque<Time> sessions_of_last_hour_;
};

}  // namespace prewarm::sandbox
