/// Messages as the Bot API writes them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

#include "sandbox/telegram/bot.hpp"
#include "sandbox/telegram/file_register.hpp"

namespace prewarm::sandbox {

struct MessageHead {
    Bot from;
    std::int64_t chat_id = 0;
    std::int64_t message_id = 0;
    std::chrono::system_clock::time_point date;
};

boost::json::object as_json(const Bot& bot);
boost::json::object chat_json(std::int64_t chat_id);

/// With `from`, or in a channel `sender_chat`; the order of keys is Telegram's.
boost::json::object message_json(const MessageHead& head);

/// Adds the media under its kind's key, with the names `bot_id` knows it by. A thumbnail's ids
/// stand before the main ones, and an animation beside a `document`: a reader has to go by key.
void add_media(boost::json::object& message, const FileRegister& files, std::uint64_t number,
               std::int64_t bot_id);

}  // namespace prewarm::sandbox
