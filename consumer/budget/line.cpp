#include "consumer/budget/line.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "common/log/log.hpp"
#include "common/runtime/wait.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr std::size_t most_asked_for_at_once = 16;
constexpr auto window = 1min;  // Of the limits.
// What has ended is told with the next question, or after this time.
constexpr auto report_within = 1s;
// Where a limit binds nobody gains by asking at once: a few are waited for, to be asked for
// together.
constexpr double worth_asking_for = 4;
constexpr milliseconds longest_gap = 2s;
constexpr milliseconds at_once = 50ms;
// Where what is in flight is the limit, an end is worth a question: so often by all together.
constexpr milliseconds between_ends = 50ms;
// Whoever has something that a new state would have to be told asks this often, to notice one.
constexpr milliseconds look_for_a_new_state = 2s;
// A chat that refuses rests for so long in the rules; one that moved is told by Telegram again.
constexpr auto refusal_holds = 10min;
constexpr auto move_holds = 1h;
// Without the shared state it may be back at any moment.
constexpr milliseconds longest_wait_alone = 2s;
// When nothing tells how long: something of another instance has to end.
constexpr milliseconds look_again_after = 250ms;
// A permit that is used for longer than was thought is held for so long again, and again.
constexpr auto renewed_before = 10s;
constexpr auto renewed_for = 30s;
// Parked jobs come back one after the other, as fast as the bot may send: this is only the least.
constexpr milliseconds when_many_wait = 1s;
constexpr std::uint64_t small_bytes = 100'000;               // Contract, section 8.2.
constexpr std::uint64_t unknown_size_taken_as = 10'000'000;  // As in the rules.

/// For how long a permit is taken as being used: a slow upload's time.
milliseconds hold_for(std::uint64_t bytes) {
    return 30s + milliseconds{(bytes == 0 ? unknown_size_taken_as : bytes) / 500};
}

milliseconds rounded_up(std::chrono::steady_clock::duration time) {
    return std::chrono::ceil<milliseconds>(time);
}

Failure come_back_in(milliseconds wait, std::string_view why) {
    Failure failure{FailureKind::throttled, fmt::format("the bot's turn is far off: {}", why)};
    failure.retry_after = wait;
    return failure;
}

}  // namespace

Line::Line(Parts parts, Options options)
    : parts_{std::move(parts)}, options_{std::move(options)}, changed_{never(parts_.executor)} {}

std::list<Line::Waiter>::iterator Line::join(const Upload& upload) {
    const auto is_small = [](std::uint64_t bytes) { return bytes > 0 && bytes < small_bytes; };
    auto place = waiting_.end();
    if (is_small(upload.bytes)) {
        place = std::ranges::find_if(
            waiting_, [&](const auto& other) { return !is_small(other.wanted.bytes); });
    }
    return waiting_.insert(
        place, Waiter{.wanted = {.permit = next_permit(),
                                 .bytes = upload.bytes,
                                 .chat = upload.warmup_chat_id,
                                 .hold = hold_for(upload.bytes),
                                 .album = parts_.may_share_album && parts_.may_share_album(upload)},
                      .since = parts_.clock.now(),
                      .woken = never(parts_.executor)});
}

std::string Line::next_permit() {
    return fmt::format("{}:{}", options_.instance, ++last_permit_);
}

bool Line::rests(std::int64_t chat) const {
    const auto now = parts_.clock.now();
    return std::ranges::any_of(heard_, [&](const auto& heard) {
        return heard.told.what != budget::Told::What::forget && heard.told.chat == chat &&
               as_of(heard, now);
    });
}

Task<warm::Turn> Line::wait(const Upload& upload) {
    if (waiting_.size() >= options_.most_waiting)
        co_return come_back_in(when_many_wait, "many others wait");
    struct Place {
        Line& line;
        std::list<Waiter>::iterator mine;
        bool is_taken = false;
        ~Place() {
            if (!is_taken && mine->answer && *mine->answer) line.give_back_unused(**mine->answer);
            line.waiting_.erase(mine);
        }
    } place{*this, join(upload)};
    auto& mine = *place.mine;
    while (true) {
        serve_from_now();
        while (!mine.answer)
            co_await wake_up(mine.woken);
        const auto now = parts_.clock.now();
        if (!*mine.answer || mine.slot <= now) break;
        co_await parts_.clock.pause(rounded_up(mine.slot - now));
        if (!rests((*mine.answer)->chat_id)) break;
        // Telegram has told us so since.
        give_back_unused(**mine.answer);
        mine.answer.reset();
        mine.wanted.permit = next_permit();
    }
    place.is_taken = true;
    parts_.on_wait(mine.limit, parts_.clock.now() - mine.since);
    co_return std::move(*mine.answer);
}

void Line::ended(const warm::Turn& turn, warm::Posted posted) {
    give_back(turn.permit, turn.chat_id, posted);
}

void Line::give_back_unused(const warm::Turn& turn) {
    if (turn.album && parts_.on_left_album) parts_.on_left_album(*turn.album);
    ended(turn, warm::Posted::no);
}

void Line::give_back(const std::string& permit, std::int64_t chat, warm::Posted posted) {
    const auto now = parts_.clock.now();
    in_flight_.erase(permit);
    const bool is_there = posted != warm::Posted::no;
    reports_.push_back({.permit = permit,
                        .chat = chat,
                        .posted_at = is_there ? std::optional{now} : std::nullopt,
                        .worked = posted == warm::Posted::yes});
    report_at_ = std::min(report_at_, now + report_within);
    if (waits_for_an_end_) ask_at_ = std::max(now, asked_at_ + instances_ * between_ends);
    serve_from_now();
}

void Line::tell(budget::Told told) {
    if (told.what == budget::Told::What::forget) {
        std::erase_if(heard_,
                      [](const auto& one) { return one.told.what == budget::Told::What::refused; });
    }
    heard_.push_back({.told = told, .at = parts_.clock.now()});
    report_at_ = parts_.clock.now();
    serve_from_now();
}

void Line::look_again() {
    if (!waiting_.empty()) serve_from_now();
}

std::optional<std::size_t> Line::room_within(milliseconds time) const {
    if (!per_second_) return std::nullopt;
    const auto shared = *per_second_ * std::chrono::duration<double>{time}.count() / instances_;
    // One at least: it tells when a rest is over.
    const auto mine = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(shared)));
    return mine > waiting_.size() ? mine - waiting_.size() : 0;
}

void Line::serve_from_now() {
    changed_.cancel();
    if (std::exchange(serving_, true)) return;
    parts_.tasks.spawn(serve());
}

std::optional<Line::Time> Line::next_question() const {
    std::optional<Time> next;
    if (report_at_ != Time::max()) next = report_at_;
    if (!posts_.empty() || !in_flight_.empty()) {
        const auto look = asked_at_ + look_for_a_new_state;
        next = std::min(next.value_or(look), look);
    }
    const bool wants = std::ranges::any_of(waiting_, [](const auto& one) { return !one.answer; });
    if (wants && parts_.free_slots() > 0) next = std::min(next.value_or(ask_at_), ask_at_);
    return next;
}

asio::awaitable<void> Line::serve() {
    struct End {
        bool& serving;
        ~End() { serving = false; }
    } end{serving_};
    while (const auto next = next_question()) {
        if (*next <= parts_.clock.now()) {
            co_await ask();
            continue;
        }
        changed_.expires_at(*next);
        co_await wake_up(changed_);
    }
}

budget::Request Line::question() {
    const auto now = parts_.clock.now();
    budget::Request request{.instance = options_.instance,
                            .born = born_,
                            .seq = seq_,
                            .peers = instances_ - 1,
                            .limits = options_.limits,
                            .grace = options_.grace,
                            .horizon = options_.horizon,
                            .chats = parts_.chats(),
                            .ended = {},
                            .held = {},
                            .told = {},
                            .wanted = {}};
    for (const auto& report : reports_)
        request.ended.push_back(ended_of(report, now));
    for (auto& [permit, flight] : in_flight_) {
        const bool takes_longer = flight.till - now < renewed_before;
        if (takes_longer) flight.till = now + renewed_for;
        if (flight.is_shared && !state_is_new_ && !takes_longer) continue;
        request.held.push_back(held_of(permit, flight, now));
    }
    if (state_is_new_) remember(request);
    for (const auto& heard : heard_) {
        if (heard.is_shared && !state_is_new_) continue;
        if (const auto told = as_of(heard, now)) request.told.push_back(*told);
    }
    const auto most = std::min(parts_.free_slots(), most_asked_for_at_once);
    for (const auto& waiter : waiting_) {
        if (request.wanted.size() >= most) break;
        if (!waiter.answer) request.wanted.push_back(waiter.wanted);
    }
    return request;
}

// For a state that knows nothing of the last minute.
void Line::remember(budget::Request& request) const {
    const auto now = parts_.clock.now();
    for (const auto& post : posts_) {
        request.ended.push_back(
            {.permit = {}, .chat = post.chat, .posted = true, .ago = rounded_up(now - post.at)});
    }
}

// With what is left of its time.
std::optional<budget::Told> Line::as_of(const Heard& heard, Time now) {
    const auto passed = std::chrono::floor<milliseconds>(now - heard.at);
    auto told = heard.told;
    switch (told.what) {
        case budget::Told::What::throttled:
            told.wait -= passed;
            return told.wait > 0ms ? std::optional{told} : std::nullopt;
        case budget::Told::What::refused:
            return passed < refusal_holds ? std::optional{told} : std::nullopt;
        case budget::Told::What::moved:
            return passed < move_holds ? std::optional{told} : std::nullopt;
        case budget::Told::What::forget:
            return heard.is_shared ? std::nullopt : std::optional{told};
    }
    return std::nullopt;
}

void Line::forget_what_is_over(Time now) {
    while (!posts_.empty() && now - posts_.front().at >= window)
        posts_.pop_front();
    std::erase_if(heard_, [now](const auto& one) { return !as_of(one, now); });
}

budget::Held Line::held_of(const std::string& permit, const Flight& flight, Time now) {
    return {.permit = permit,
            .chat = flight.chat,
            .bytes = flight.bytes,
            .hold = rounded_up(flight.till - now)};
}

budget::Ended Line::ended_of(const Report& report, Time now) {
    return {.permit = report.permit,
            .chat = report.chat,
            .posted = report.posted_at.has_value(),
            .worked = report.worked,
            .ago = report.posted_at ? rounded_up(now - *report.posted_at) : 0ms};
}

asio::awaitable<void> Line::ask() {
    const auto now = parts_.clock.now();
    forget_what_is_over(now);
    auto request = question();
    const auto reported = reports_.size();
    const auto told = heard_.size();
    asked_at_ = now;
    report_at_ = Time::max();
    asked_for_ = request.wanted.size();
    auto answer = co_await parts_.ask(request);
    asked_for_ = 0;
    if (!answer) {
        if (!alone_) {
            log::warn("budget.alone",
                      "Redis does not share Telegram's limits: each instance keeps "
                      "to a part of them that is safe without it",
                      {{"bot_slug", options_.bot_slug}, {"error", answer.error().detail}});
        }
        // Told again, with the next question.
        const bool has_news = reported > 0 || !std::ranges::all_of(heard_, &Heard::is_shared);
        if (has_news) report_at_ = parts_.clock.now() + report_within;
        const auto alone = decide_alone(request);
        hear(alone, request, false);
        co_return;
    }
    if (alone_) {
        log::info("budget.shared", "Redis shares Telegram's limits again",
                  {{"bot_slug", options_.bot_slug}});
        alone_.reset();
    }
    for (std::size_t place = 0; place < told; ++place)
        heard_[place].is_shared = true;
    for (std::size_t place = 0; place < reported; ++place) {
        const auto& report = reports_.front();
        if (report.posted_at) posts_.push_back({report.chat, *report.posted_at});
        reports_.pop_front();
    }
    for (const auto& held : request.held) {
        const auto flight = in_flight_.find(held.permit);
        if (flight != in_flight_.end()) flight->second.is_shared = true;
    }
    state_is_new_ = born_ != 0 && answer->born != born_;
    born_ = answer->born;
    seq_ = answer->seq;
    instances_ = std::max(answer->instances, 1U);
    per_second_ = answer->per_second;
    hear(*answer, request, true);
    if (state_is_new_) report_at_ = parts_.clock.now();
}

// Nobody knows what the others do meanwhile: half of an equal share. What they did in the last
// minute is not known either, so that has to pass first.
budget::Answer Line::decide_alone(budget::Request request) {
    request.limits = budget::share_of(options_.limits, 2 * instances_);
    const auto now = parts_.clock.now();
    request.born = request.seq = 0;
    request.grace = window;
    request.ended.clear();
    request.told.clear();
    if (!alone_) {
        alone_.emplace();
        remember(request);
        request.held.clear();
        for (const auto& [permit, flight] : in_flight_)
            request.held.push_back(held_of(permit, flight, now));
        for (auto& heard : heard_)
            heard.is_told_alone = false;
    }
    for (auto& heard : heard_) {
        const auto told = as_of(heard, now);
        if (told && !std::exchange(heard.is_told_alone, true)) request.told.push_back(*told);
    }
    for (auto& report : reports_) {
        if (!std::exchange(report.is_told_alone, true))
            request.ended.push_back(ended_of(report, now));
    }
    return alone_->decide(std::chrono::duration_cast<milliseconds>(now.time_since_epoch()),
                          request);
}

/// Between questions, when the last one has met a limit.
milliseconds Line::gap() const {
    const double per_second = per_second_.value_or(0) / instances_;
    if (per_second <= 0) return longest_gap;
    return std::min(longest_gap, milliseconds{std::llround(1000 * worth_asking_for / per_second)});
}

void Line::hear(const budget::Answer& answer, const budget::Request& request, bool is_shared) {
    const auto now = parts_.clock.now();
    waits_for_an_end_ = false;
    ask_at_ = answer.turns.size() == request.wanted.size() ? now : now + look_again_after;
    // Nobody's turn could be earlier than the last that was given now.
    milliseconds last{0};
    for (const auto& turn : answer.turns)
        last = std::max(last, turn.chat ? *turn.wait : longest_gap);
    if (last >= at_once) ask_at_ = std::max(ask_at_, now + std::min(gap(), last));
    for (const auto& turn : answer.turns) {
        const auto waiter = std::ranges::find_if(
            waiting_, [&](const auto& one) { return one.wanted.permit == turn.permit; });
        if (turn.chat) {
            const auto wanted =
                std::ranges::find(request.wanted, turn.permit, &budget::Wanted::permit);
            if (wanted == request.wanted.end()) continue;
            in_flight_[turn.permit] = {.chat = *turn.chat,
                                       .bytes = wanted->bytes,
                                       .till = now + *turn.wait + wanted->hold,
                                       .is_shared = is_shared};
            warm::Turn given{.chat_id = *turn.chat, .permit = turn.permit};
            if (turn.album) {
                // Permits are the bot's own.
                given.album = warm::Album{fmt::format("{}/{}", options_.bot_slug, turn.album->id),
                                          turn.album->size};
            }
            if (waiter == waiting_.end()) {  // It was cancelled meanwhile.
                give_back_unused(given);
                continue;
            }
            waiter->slot = now + *turn.wait;
            waiter->limit = turn.limit;
            waiter->answer = std::move(given);
            waiter->woken.cancel();
        } else if (waiter == waiting_.end()) {
            continue;
        } else if (turn.wait.value_or(rounded_up(now - waiter->since)) > options_.horizon) {
            // Or something of others has to end, and has not for as long.
            waiter->limit = turn.limit;
            const auto wait = turn.wait.value_or(options_.horizon);
            waiter->answer =
                come_back_in(is_shared ? wait : std::min(wait, longest_wait_alone), turn.limit);
            waiter->woken.cancel();
        } else {
            waits_for_an_end_ = waits_for_an_end_ || !turn.wait;
            const auto look = std::max(look_again_after, instances_ * between_ends);
            ask_at_ = std::max(ask_at_, now + turn.wait.value_or(look));
        }
    }
}

}  // namespace prewarm
