#include "consumer/budget/telegram_budget.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "common/log/log.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds throttled_without_a_time = 1s;
// Whatever is forgotten is found out again.
constexpr std::size_t most_sizes_remembered = 10'000;

}  // namespace

TelegramBudget::TelegramBudget(Parts parts, Options options)
    : parts_{std::move(parts)}, options_{std::move(options)}, tasks_{parts_.executor} {}

TelegramBudget::BotState& TelegramBudget::state_of(const std::string& bot_slug) {
    const auto found = states_.find(bot_slug);
    if (found != states_.end()) return found->second;
    Line line{{.executor = parts_.executor,
               .tasks = tasks_,
               .clock = parts_.clock,
               .ask =
                   [this, bot_slug](const budget::Request& request) {
                       parts_.metrics.budget_asked();
                       return parts_.ask(bot_slug, request);
                   },
               .chats =
                   [this, bot_slug] {
                       const auto bot = parts_.bots.find(bot_slug);
                       return bot == parts_.bots.end() ? std::vector<std::int64_t>{}
                                                       : bot->second.storage_chats;
                   },
               .free_slots = [this, bot_slug] { return free_slots(bot_slug); },
               .on_wait =
                   [this](std::string_view limit, metrics::Duration waited) {
                       parts_.metrics.budget_waited(limit.empty() ? "none" : limit, waited);
                   },
               .may_share_album = parts_.may_share_album,
               .on_left_album = parts_.on_left_album},
              {.instance = options_.instance,
               .bot_slug = bot_slug,
               .limits = options_.limits,
               .most_waiting = options_.at_once}};
    return states_.emplace(bot_slug, BotState{.line = std::move(line)}).first->second;
}

std::size_t TelegramBudget::free_slots(const std::string& bot_slug) const {
    std::size_t all = 0;
    std::size_t own = 0;
    for (const auto& [slug, state] : states_) {
        all += state.line.taken();
        if (slug == bot_slug) own = state.line.taken();
    }
    const auto most_of_one = parts_.bots.size() > 1 && options_.at_once > 1
                                 ? options_.at_once - std::max<std::size_t>(options_.at_once / 4, 1)
                                 : options_.at_once;
    const auto left = [](std::size_t most, std::size_t taken) {
        return most > taken ? most - taken : 0;
    };
    return std::min(left(options_.at_once, all), left(most_of_one, own));
}

Task<warm::Turn> TelegramBudget::wait_turn(const Upload& upload) {
    const auto& slug = upload.media.bot_slug;
    if (!parts_.bots.contains(slug)) {
        co_return Failure{FailureKind::misconfigured, "no bot `" + slug + "` in PREWARM_BOTS_FILE"};
    }
    auto& state = state_of(slug);
    if (state.refused) {
        co_return Failure{FailureKind::bot_refused, "Telegram refuses the bot's token"};
    }
    if (on_waiting) asio::post(parts_.executor, on_waiting);
    const auto size = upload.bytes == 0 ? sizes_.find(upload.media) : sizes_.end();
    if (size == sizes_.end()) co_return co_await state.line.wait(upload);
    auto sized = upload;
    sized.bytes = size->second;
    co_return co_await state.line.wait(sized);
}

bool TelegramBudget::holds(const Upload& upload, const warm::Turn& turn) const {
    const auto state = states_.find(upload.media.bot_slug);
    return state == states_.end() || !state->second.line.rests(turn.chat_id);
}

bool TelegramBudget::is_turn_for(const Upload& upload, std::uint64_t bytes) {
    const bool waits_for_its_like =
        options_.limits.spaces_equal_sizes && bytes > budget::same_size_from_bytes;
    if (upload.bytes != 0 || !waits_for_its_like) return true;
    if (sizes_.size() >= most_sizes_remembered) sizes_.clear();
    auto& known = sizes_[upload.media];
    return std::exchange(known, bytes) == bytes;
}

void TelegramBudget::ended(const Upload& upload, const warm::Turn& turn, warm::Posted posted) {
    if (posted == warm::Posted::yes) sizes_.erase(upload.media);
    state_of(upload.media.bot_slug).line.ended(turn, posted);
    for (auto& [slug, state] : states_)
        state.line.look_again();
}

void TelegramBudget::failed(const Upload& upload, const warm::Turn& turn, const Failure& failure) {
    const auto& slug = upload.media.bot_slug;
    auto& state = state_of(slug);
    if (failure.kind == FailureKind::bot_refused) {
        if (std::exchange(state.refused, true)) return;
        parts_.metrics.set_breaker_open("bot:" + slug, true);
        log::error("bot.refused", "Telegram refuses a bot's token; its jobs wait",
                   {{"bot_slug", slug}, {"error", failure.detail}});
    } else if (failure.kind == FailureKind::chat_refused) {
        if (failure.chat_is_now && *failure.chat_is_now != turn.chat_id) {
            state.line.tell({.what = budget::Told::What::moved,
                             .chat = turn.chat_id,
                             .wait = {},
                             .to = *failure.chat_is_now});
            log::warn("chat.migrated", "a storage chat has a new id: put it into PREWARM_BOTS_FILE",
                      {{"bot_slug", slug},
                       {"chat_id", turn.chat_id},
                       {"new_chat_id", *failure.chat_is_now}});
        } else {
            state.line.tell({.what = budget::Told::What::refused, .chat = turn.chat_id});
            log::error("chat.refused", "a storage chat takes nothing from its bot, and rests",
                       {{"bot_slug", slug}, {"chat_id", turn.chat_id}, {"error", failure.detail}});
        }
    } else if (failure.kind == FailureKind::throttled && failure.source == Dependency::telegram) {
        state.line.tell({.what = budget::Told::What::throttled,
                         .chat = turn.chat_id,
                         .wait = failure.retry_after.value_or(throttled_without_a_time)});
        log::warn("telegram.throttled", "Telegram asks us to wait",
                  {{"bot_slug", slug}, {"chat_id", turn.chat_id}, {"error", failure.detail}});
    }
}

std::size_t TelegramBudget::waiting_for_telegram() const {
    std::size_t waiting = 0;
    for (const auto& [slug, state] : states_) {
        if (free_slots(slug) > 0) waiting += state.line.waiting();
    }
    return waiting;
}

std::vector<std::string> TelegramBudget::refused_bots() const {
    std::vector<std::string> slugs;
    for (const auto& [slug, state] : states_) {
        if (state.refused) slugs.push_back(slug);
    }
    return slugs;
}

std::vector<std::string> TelegramBudget::usable_bots() const {
    std::vector<std::string> slugs;
    for (const auto& [slug, bot] : parts_.bots) {
        const auto state = states_.find(slug);
        if (state == states_.end() || !state->second.refused) slugs.push_back(slug);
    }
    return slugs;
}

void TelegramBudget::bot_is_back(const std::string& bot_slug) {
    if (!std::exchange(state_of(bot_slug).refused, false)) return;
    parts_.metrics.set_breaker_open("bot:" + bot_slug, false);
    log::info("bot.back", "Telegram takes the bot's token again", {{"bot_slug", bot_slug}});
}

void TelegramBudget::forget_rests() {
    for (const auto& slug : refused_bots())
        bot_is_back(slug);
    for (auto& [slug, state] : states_)
        state.line.tell({.what = budget::Told::What::forget});
}

std::size_t TelegramBudget::room_within(std::string_view bot_slug, std::chrono::milliseconds time,
                                        std::size_t otherwise) const {
    const auto state = states_.find(bot_slug);
    if (state == states_.end()) return otherwise;
    return state->second.line.room_within(time).value_or(otherwise);
}

asio::awaitable<bool> TelegramBudget::close(std::chrono::steady_clock::time_point deadline) {
    tasks_.cancel_all();
    co_return co_await tasks_.join(deadline);
}

}  // namespace prewarm
