#include "sandbox/telegram/chats.hpp"

namespace prewarm::sandbox {

std::int64_t Chats::post(std::int64_t chat_id, PostedMessage message) {
    auto& chat = chats_[chat_id];
    chat.messages.push_back(message);
    const auto id = chat.first + static_cast<std::int64_t>(chat.messages.size()) - 1;
    order_.push_back(chat_id);
    if (order_.size() > capacity_) {
        auto& oldest = chats_[order_.front()];
        oldest.messages.pop_front();
        ++oldest.first;
        order_.pop_front();
    }
    return id;
}

PostedMessage* Chats::find(std::int64_t chat_id, std::int64_t message_id) {
    const auto found = chats_.find(chat_id);
    if (found == chats_.end()) return nullptr;
    auto& chat = found->second;
    const auto end = chat.first + static_cast<std::int64_t>(chat.messages.size());
    if (message_id < chat.first || message_id >= end) return nullptr;
    auto& message = chat.messages[static_cast<std::size_t>(message_id - chat.first)];
    return message.is_deleted ? nullptr : &message;
}

std::string_view chat_type_of(std::int64_t chat_id) {
    constexpr std::int64_t last_basic_group = -1'000'000'000'000;
    if (chat_id > 0) return "private";
    return chat_id < last_basic_group ? "channel" : "group";
}

}  // namespace prewarm::sandbox
