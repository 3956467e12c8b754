/// What is asked of Telegram's limits, and what they answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/failure.hpp"

namespace prewarm::budget {

/// Requests of exactly the same size wait for each other above this (the Bot API server's
/// Client.cpp, `on_cmd`); as in rules.lua.
inline constexpr std::uint64_t same_size_from_bytes = 100'000;

/// Of one bot, for all that send in its name.
struct Limits {
    double bot_per_second = 30;    ///< "about 30 messages per second" (Bots FAQ).
    double chat_per_second = 1;    ///< Likewise, for each chat.
    double group_per_minute = 20;  ///< For a group or channel: an id below zero.
    /// In flight, all of which may arrive in the same moment: less than a second's worth of
    /// messages. (The Bot API server refuses above 100 uploads and 4 GiB; its Client.cpp, `send`.)
    unsigned most_in_flight = 25;
    std::uint64_t most_bytes = 3'500'000'000;
    /// Telegram's own server makes requests of exactly the same size wait for each other (its
    /// Client.cpp, `on_cmd`); one that runs with --local does not.
    bool spaces_equal_sizes = true;
};

/// `most_in_flight` of a bot that may send so much.
unsigned most_in_flight(double bot_per_second);

/// A part of them that `senders` can have each without knowing of each other.
Limits share_of(Limits limits, unsigned senders);

/// A message that somebody would like to send.
struct Wanted {
    std::string permit;                ///< Unlike any other that was ever asked for.
    std::uint64_t bytes = 0;           ///< Of its files. 0: unknown.
    std::int64_t chat = 0;             ///< Where to, unless that chat rests; 0: to any.
    std::chrono::milliseconds hold{};  ///< After this time it is taken as sent.
    /// It may go with others of the same question in one request, which counts as so many
    /// messages. With `chat` it does not.
    bool album = false;
};

/// A permit that was used, or never will be.
struct Ended {
    std::string permit;
    std::int64_t chat = 0;
    bool posted = false;  ///< Perhaps.
    bool worked = false;  ///< Telegram took it.
    std::chrono::milliseconds ago{};
};

/// A permit that is being used.
struct Held {
    std::string permit;
    std::int64_t chat = 0;
    std::uint64_t bytes = 0;
    std::chrono::milliseconds hold{};
};

/// What Telegram said.
struct Told {
    enum class What : std::uint8_t {
        throttled,  ///< The chat, or all of the bot, is to wait for `wait`.
        refused,    ///< The chat takes nothing from the bot.
        moved,      ///< The chat has become `to`.
        forget,     ///< Of no chat: refused ones are to be tried again.
    };
    What what = What::throttled;
    std::int64_t chat = 0;
    std::chrono::milliseconds wait{};
    std::int64_t to = 0;
};

struct Request {
    std::string instance;
    std::uint64_t born = 0;  ///< Of the last answer, as the next two; 0 before the first.
    std::uint64_t seq = 0;
    unsigned peers = 0;  ///< Other instances.
    Limits limits;
    /// For how long a new state gives no turns, so that all can tell it what they remember: each
    /// asks within two seconds while it does, and finds Redis again within two more.
    std::chrono::milliseconds grace{4000};
    std::chrono::milliseconds horizon{2000};  ///< A turn may lie so far ahead.
    std::vector<std::int64_t> chats;          ///< The bot's storage chats.
    std::vector<Ended> ended;
    std::vector<Held> held;  ///< Only what the state may not know of.
    std::vector<Told> told;
    std::vector<Wanted> wanted;  ///< Best first.
};

/// Those whose turns go together: to one chat at one time.
struct Album {
    std::string id;  ///< The first one's permit.
    unsigned size = 0;
    bool operator==(const Album&) const = default;
};

/// Whose turn it is, and when.
struct Turn {
    std::string permit;
    std::optional<std::int64_t> chat;               ///< Nothing: not now.
    std::optional<std::chrono::milliseconds> wait;  ///< Nothing: when something has ended.
    std::string limit;                              ///< Which one makes it wait; may be empty.
    std::optional<Album> album{};                   ///< Two at least are in it.
};

struct Answer {
    std::uint64_t seq = 0;
    /// When the state was made. Another than before: it was lost, and is to be told what its
    /// askers remember of the last minute.
    std::uint64_t born = 0;
    unsigned instances = 1;  ///< That have asked within the last minute.
    double per_second =
        0;  ///< What the bot's chats take in the long run, those that rest left out.
    std::vector<Turn> turns;  ///< As in `wanted`.
};

/// For the script, as JSON.
std::string encode(const Request& request);
/// `transient` when it is no answer of the script's.
Result<Answer> decode_answer(std::string_view json);

}  // namespace prewarm::budget
