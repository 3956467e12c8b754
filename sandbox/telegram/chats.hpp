/// The chats bots post to. Any id but 0 is a chat.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string_view>

namespace prewarm::sandbox {

struct PostedMessage {
    std::uint64_t file = 0;   ///< Its number in the FileRegister.
    std::int64_t bot_id = 0;  ///< Who posted it.
    bool is_protected = false;
    bool is_deleted = false;
};

/// Remembers the newest `capacity` messages of all chats together.
class Chats {
public:
    explicit Chats(std::size_t capacity) : capacity_{capacity} {}

    /// The new message's id, which grows by one in each chat.
    std::int64_t post(std::int64_t chat_id, PostedMessage message);
    /// Null when there is none, it was deleted, or it is no longer kept.
    PostedMessage* find(std::int64_t chat_id, std::int64_t message_id);

private:
    struct Chat {
        std::int64_t first = 1;  ///< Id of the oldest message kept.
        std::deque<PostedMessage> messages;
    };

    std::size_t capacity_;
    std::map<std::int64_t, Chat> chats_;
    std::deque<std::int64_t> order_;  ///< The chat of each message kept, oldest first.
};

/// `private`, `group` or, with Telegram's prefix -100, `channel`.
std::string_view chat_type_of(std::int64_t chat_id);

}  // namespace prewarm::sandbox
