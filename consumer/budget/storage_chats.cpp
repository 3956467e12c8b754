#include "consumer/budget/storage_chats.hpp"

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "common/log/log.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

// Somebody may mend its rights; until then every try is a refused request.
constexpr auto rest_of_a_refused_chat = 10min;
constexpr std::chrono::milliseconds throttled_without_a_time = 1s;

}  // namespace

std::int64_t StorageChats::present_id(const BotState& bot, std::int64_t chat_id) {
    const auto moved = bot.is_now.find(chat_id);
    return moved == bot.is_now.end() ? chat_id : moved->second;
}

StorageChats::Time StorageChats::free_from(const BotState& bot, std::int64_t chat_id) {
    const auto rest = bot.rests.find(present_id(bot, chat_id));
    if (rest == bot.rests.end()) return bot.throttled_until;
    return std::max(bot.throttled_until, rest->second.until);
}

Task<std::int64_t> StorageChats::wait_turn(const Upload& upload) {
    const auto& slug = upload.media.bot_slug;
    const auto bot = bots_.find(slug);
    if (bot == bots_.end()) {
        co_return Failure{FailureKind::misconfigured, "no bot `" + slug + "` in PREWARM_BOTS_FILE"};
    }
    auto& state = states_[slug];
    if (state.refused) {
        co_return Failure{FailureKind::bot_refused, "Telegram refuses the bot's token"};
    }
    const auto now = clock_.now();
    if (const auto asked = upload.warmup_chat_id; asked != 0 && free_from(state, asked) <= now) {
        co_return present_id(state, asked);
    }
    const auto& chats = bot->second.storage_chats;
    for (std::size_t tried = 0; tried < chats.size(); ++tried) {
        const auto chat = chats[state.turns++ % chats.size()];
        if (free_from(state, chat) <= now) co_return present_id(state, chat);
    }
    const auto first = std::ranges::min(
        chats | std::views::transform([&](auto chat) { return free_from(state, chat); }));
    Failure all_rest{FailureKind::throttled, "no storage chat of the bot takes anything now"};
    all_rest.retry_after = std::chrono::ceil<std::chrono::milliseconds>(first - now);
    co_return all_rest;
}

void StorageChats::failed(const Upload& upload, std::int64_t chat_id, const Failure& failure) {
    const auto& slug = upload.media.bot_slug;
    auto& bot = states_[slug];
    if (failure.kind == FailureKind::bot_refused) {
        if (std::exchange(bot.refused, true)) return;
        metrics_.set_breaker_open("bot:" + slug, true);
        log::error("bot.refused", "Telegram refuses a bot's token; its jobs wait",
                   {{"bot_slug", slug}, {"error", failure.detail}});
    } else if (failure.kind == FailureKind::chat_refused) {
        const auto now = clock_.now();
        std::erase_if(bot.rests, [&](const auto& rest) { return rest.second.until <= now; });
        if (failure.chat_is_now && *failure.chat_is_now != chat_id) {
            for (auto& [configured, is_now] : bot.is_now) {
                if (is_now == chat_id) is_now = *failure.chat_is_now;
            }
            bot.is_now[chat_id] = *failure.chat_is_now;
            log::warn(
                "chat.migrated", "a storage chat has a new id: put it into PREWARM_BOTS_FILE",
                {{"bot_slug", slug}, {"chat_id", chat_id}, {"new_chat_id", *failure.chat_is_now}});
        } else {
            bot.rests[chat_id] = {now + rest_of_a_refused_chat};
            log::error("chat.refused", "a storage chat takes nothing from its bot, and rests",
                       {{"bot_slug", slug}, {"chat_id", chat_id}, {"error", failure.detail}});
        }
    } else if (failure.kind == FailureKind::throttled && failure.source == Dependency::telegram) {
        throttle(bot, slug, chat_id, failure);
    }
}

void StorageChats::throttle(BotState& bot, const std::string& slug, std::int64_t chat_id,
                            const Failure& failure) {
    const auto now = clock_.now();
    const auto until = now + failure.retry_after.value_or(throttled_without_a_time);
    const bool another_is = std::ranges::any_of(bot.rests, [&](const auto& rest) {
        return rest.first != chat_id && rest.second.is_throttled && rest.second.until > now;
    });
    auto& rest = bot.rests[chat_id];
    rest = {std::max(rest.until, until), true};
    if (another_is) bot.throttled_until = std::max(bot.throttled_until, until);
    log::warn("telegram.throttled", "Telegram asks us to wait",
              {{"bot_slug", slug}, {"whole_bot", another_is}, {"error", failure.detail}});
}

std::vector<std::string> StorageChats::refused_bots() const {
    std::vector<std::string> slugs;
    for (const auto& [slug, bot] : states_) {
        if (bot.refused) slugs.push_back(slug);
    }
    return slugs;
}

std::vector<std::string> StorageChats::usable_bots() const {
    std::vector<std::string> slugs;
    for (const auto& [slug, bot] : bots_) {
        const auto state = states_.find(slug);
        if (state == states_.end() || !state->second.refused) slugs.push_back(slug);
    }
    return slugs;
}

void StorageChats::bot_is_back(const std::string& bot_slug) {
    if (!std::exchange(states_[bot_slug].refused, false)) return;
    metrics_.set_breaker_open("bot:" + bot_slug, false);
    log::info("bot.back", "Telegram takes the bot's token again", {{"bot_slug", bot_slug}});
}

void StorageChats::forget_rests() {
    for (const auto& slug : refused_bots())
        bot_is_back(slug);
    for (auto& [slug, bot] : states_)
        std::erase_if(bot.rests, [](const auto& rest) { return !rest.second.is_throttled; });
}

}  // namespace prewarm
