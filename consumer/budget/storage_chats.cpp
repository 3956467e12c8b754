#include "consumer/budget/storage_chats.hpp"

namespace prewarm {

Task<std::int64_t> StorageChats::wait_turn(const Upload& upload) {
    if (upload.warmup_chat_id != 0) co_return upload.warmup_chat_id;
    const auto bot = bots_.find(upload.media.bot_slug);
    if (bot == bots_.end()) {
        co_return Failure{FailureKind::misconfigured,
                          "no bot `" + upload.media.bot_slug + "` in PREWARM_BOTS_FILE"};
    }
    const auto& chats = bot->second.storage_chats;
    co_return chats[sent_[upload.media.bot_slug]++ % chats.size()];
}

}  // namespace prewarm
