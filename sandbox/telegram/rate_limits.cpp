#include "sandbox/telegram/rate_limits.hpp"

#include <algorithm>
#include <cmath>

namespace prewarm::sandbox {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration;

constexpr double chat_burst = 5;
constexpr auto group_window = 1min;
constexpr auto longest_ban = 24h;  // Half a day has been seen.
// What the Bot API server says to a request of its own refusal.
constexpr auto server_retry_after = 60s;
// Of new tokens, in its ClientManager.cpp: 20 a minute and 600 an hour.
constexpr unsigned minutes_of_sessions_in_an_hour = 30;
// Its Client.cpp, `on_cmd`.
constexpr std::uint64_t same_size_from_bytes = 100'000;

}  // namespace

std::string_view name_of(Limit limit) {
    switch (limit) {
        case Limit::bot:
            return "bot";
        case Limit::chat:
            return "chat";
        case Limit::group:
            return "group";
        case Limit::requests:
            return "requests";
        case Limit::uploads:
            return "uploads";
        case Limit::bytes:
            return "bytes";
        case Limit::unsent:
            return "unsent";
        case Limit::sessions:
            return "sessions";
        case Limit::same_size:
            return "same_size";
    }
    return "";
}

duration<double> RateLimiter::Bucket::wait(Time now, double per_second, double at_once,
                                           unsigned messages) {
    taken = std::max(0.0, taken - duration<double>{now - since}.count() * per_second);
    since = now;
    const auto needed = std::min<double>(messages, at_once);
    if (taken + needed <= at_once) {
        taken += messages;
        return 0s;
    }
    return duration<double>{(taken + needed - at_once) / per_second};
}

std::optional<Violation> RateLimiter::still_banned(Ban& ban, Time now, Time began, Limit limit) {
    if (ban.until <= now) return std::nullopt;
    if (began <= ban.since) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(ban.until - now);
        return Violation{limit, left, true};
    }
    ban.length = std::min<std::chrono::seconds>(ban.length * 2, longest_ban);
    ban.since = now;
    ban.until = now + ban.length;
    return Violation{limit, ban.length};
}

Violation RateLimiter::banned(Ban& ban, Time now, Limit limit, duration<double> wait) {
    ban.length = std::chrono::seconds{std::max(1, static_cast<int>(std::ceil(wait.count())))};
    ban.since = now;
    ban.until = now + ban.length;
    return {limit, ban.length};
}

std::optional<Violation> RateLimiter::post(Time now, Time began, std::int64_t bot_id,
                                           std::int64_t chat_id, unsigned messages) {
    auto& bot = bots_[bot_id];
    auto& chat = bot.chats[chat_id];
    const bool is_group = chat_id < 0;
    if (const auto refused = still_banned(bot.ban, now, began, Limit::bot)) return refused;
    if (const auto refused =
            still_banned(chat.ban, now, began, is_group ? Limit::group : Limit::chat)) {
        return refused;
    }

    if (is_group && limits_.group_per_minute > 0) {
        auto& last = chat.last_minute;
        while (!last.empty() && now - last.front() >= group_window)
            last.pop_front();
        const auto needed = last.size() + std::min(messages, limits_.group_per_minute);
        if (needed > limits_.group_per_minute) {
            const auto& in_the_way = last[needed - limits_.group_per_minute - 1];
            return banned(chat.ban, now, Limit::group, in_the_way + group_window - now);
        }
    }
    if (!is_group && limits_.chat_per_second > 0) {
        const auto wait = chat.bucket.wait(now, limits_.chat_per_second, chat_burst, messages);
        if (wait > 0s) return banned(chat.ban, now, Limit::chat, wait);
    }
    if (limits_.bot_per_second > 0) {
        const auto wait =
            bot.bucket.wait(now, limits_.bot_per_second, limits_.bot_per_second, messages);
        if (wait > 0s) return banned(bot.ban, now, Limit::bot, wait);
    }
    if (is_group) chat.last_minute.insert(chat.last_minute.end(), messages, now);
    return std::nullopt;
}

void RateLimiter::told_to_wait(Time now, std::int64_t bot_id, std::int64_t chat_id,
                               std::chrono::seconds retry_after) {
    const bool has_limits = limits_.group_per_minute > 0 || limits_.chat_per_second > 0;
    auto& ban = bots_[bot_id].chats[chat_id].ban;
    if (!has_limits || ban.until >= now + retry_after) return;
    ban = {.since = now, .until = now + retry_after, .length = retry_after};
}

std::optional<Violation> RateLimiter::start_session(Time now) {
    auto& starts = sessions_of_last_hour_;
    while (!starts.empty() && now - starts.front() >= 1h)
        starts.pop_front();
    const auto refused_until = [&](std::size_t most, Time::duration window) {
        if (starts.size() < most) return now;
        return starts[starts.size() - most] + window;
    };
    const auto most = limits_.sessions_per_minute;
    const auto until = std::max(refused_until(most, 1min),
                                refused_until(minutes_of_sessions_in_an_hour * most, 1h));
    if (until > now)
        return Violation{Limit::sessions, std::chrono::ceil<std::chrono::seconds>(until - now)};
    starts.push_back(now);
    return std::nullopt;
}

std::optional<Violation> RateLimiter::begin_request(Time now, std::int64_t bot_id) {
    auto& bot = bots_[bot_id];
    if (!bot.has_session && limits_.sessions_per_minute > 0) {
        if (const auto refused = start_session(now)) return refused;
    }
    bot.has_session = true;
    if (limits_.requests_at_once > 0 && bot.requests >= limits_.requests_at_once)
        return Violation{Limit::requests, server_retry_after};
    ++bot.requests;
    return std::nullopt;
}

void RateLimiter::end_request(std::int64_t bot_id) {
    --bots_[bot_id].requests;
}

std::optional<Violation> RateLimiter::begin_sending(std::int64_t bot_id, std::int64_t chat_id) {
    auto& chat = bots_[bot_id].chats[chat_id];
    if (limits_.unsent_per_chat > 0 && chat.unsent >= limits_.unsent_per_chat)
        return Violation{Limit::unsent, server_retry_after};
    ++chat.unsent;
    return std::nullopt;
}

void RateLimiter::end_sending(std::int64_t bot_id, std::int64_t chat_id) {
    --bots_[bot_id].chats[chat_id].unsent;
}

std::optional<Violation> RateLimiter::begin_upload(std::int64_t bot_id, std::uint64_t bytes) {
    auto& bot = bots_[bot_id];
    if (limits_.uploads_at_once > 0 && bot.uploads >= limits_.uploads_at_once)
        return Violation{Limit::uploads, server_retry_after};
    if (limits_.upload_bytes_at_once > 0 && bot.bytes + bytes > limits_.upload_bytes_at_once)
        return Violation{Limit::bytes, server_retry_after};
    ++bot.uploads;
    bot.bytes += bytes;
    return std::nullopt;
}

void RateLimiter::end_upload(std::int64_t bot_id, std::uint64_t bytes) {
    auto& bot = bots_[bot_id];
    --bot.uploads;
    bot.bytes -= bytes;
}

// Each reserves its part of a bucket of one second; what is beyond that second waits.
std::chrono::milliseconds RateLimiter::delay_of_size(Time now, std::int64_t bot_id,
                                                     std::uint64_t bytes) {
    if (!limits_.spaces_equal_sizes || bytes <= same_size_from_bytes) return 0ms;
    auto& sizes = bots_[bot_id].sizes;
    std::erase_if(sizes, [now](const auto& size) { return size.second <= now; });
    auto& reserved_until = sizes[bytes];
    reserved_until = std::max(reserved_until, now);
    const auto backlog = reserved_until - now;
    const duration<double> part{std::clamp(static_cast<double>(bytes) * 1e-7, 0.2, 0.9)};
    const auto delay = std::chrono::ceil<std::chrono::milliseconds>(
        std::max(duration<double>{0}, duration<double>{backlog} + part - 1s));
    if (delay <= longest_delay) reserved_until += std::chrono::duration_cast<Time::duration>(part);
    return delay;
}

}  // namespace prewarm::sandbox
