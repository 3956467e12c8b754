#include "producer/dead_letters/replay.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include "common/runtime/deadline.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

// A broker answers within milliseconds; this is for one that is just electing a leader.
constexpr auto confirm_time = 15s;
constexpr auto most_under_way = 64;
// RabbitMQ takes back what is held for half an hour.
constexpr auto longest_hold = 5min;

}  // namespace

std::uint16_t Replay::window_at(std::chrono::nanoseconds interval) {
    if (interval.count() == 0) return most_under_way;
    const auto within = std::chrono::nanoseconds{longest_hold} / interval;
    return static_cast<std::uint16_t>(std::clamp<std::int64_t>(within, 1, most_under_way));
}

Replay::Replay(asio::any_io_executor executor, LetterWalk& walk, amqp::Publisher& publisher,
               topology::Names names, std::chrono::nanoseconds interval, Events events)
    : walk_{walk},
      publisher_{publisher},
      names_{std::move(names)},
      interval_{interval},
      events_{std::move(events)},
      under_way_{std::move(executor)} {}

Task<> Replay::run(ChosenLetters chosen, MessageProgress& progress) {
    progress_ = &progress;
    Result<> fed;
    try {
        fed = co_await feed(chosen);
    } catch (const boost::system::system_error& error) {
        if (error.code() != asio::error::operation_aborted) throw;
    }
    // This is not interrupted: what was sent is confirmed and removed now, or the next replay would
    // send it once more.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation{});
    // Unless the letters went back already: then nothing more of them is sent.
    if (!fed) std::ignore = co_await publisher_.close(deadline_in(0s));
    co_await under_way_.join(deadline_in(2 * confirm_time));
    const auto given_back = fed ? co_await walk_.give_back() : fed;
    co_await asio::this_coro::reset_cancellation_state();
    if (failure_) co_return *failure_;
    co_return given_back;
}

Task<> Replay::feed(ChosenLetters& chosen) {
    while (!chosen.empty()) {
        auto delivery = co_await walk_.next();
        if (!delivery) co_return delivery.error();
        if (!*delivery) break;
        auto letter = read_dead_letter(**delivery);
        const auto found = chosen.find(letter.id);
        if (found == chosen.end() || (*delivery)->oversized) {
            walk_.keep((*delivery)->tag);
            continue;
        }
        if (--found->second == 0) chosen.erase(found);
        co_await wait_turn();
        if (failure_) break;
        under_way_.spawn(send(std::move(**delivery), std::move(letter)));
    }
    co_return Result<>{};
}

asio::awaitable<void> Replay::wait_turn() {
    if (interval_.count() == 0) co_return;
    const auto now = std::chrono::steady_clock::now();
    // Time that was lost is not caught up: it is a cap, not an average.
    const auto turn = std::max(next_turn_.value_or(now), now);
    next_turn_ = turn + interval_;
    if (turn <= now) co_return;
    asio::steady_timer timer{co_await asio::this_coro::executor, turn};
    co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> Replay::send(amqp::Delivery delivery, DeadLetter letter) {
    const auto tag = delivery.tag;
    if (events_.on_sending) events_.on_sending(letter);
    const auto published = co_await publisher_.publish(
        names_.upload_exchange, names_.upload_key, to_replay(std::move(delivery.message)),
        amqp::Mandatory::yes, deadline_in(confirm_time));
    if (published) {
        walk_.remove(tag);
        ++progress_->done;
        if (events_.on_replayed) events_.on_replayed(letter);
        co_return;
    }
    walk_.keep(tag);
    if (events_.on_not_replayed) events_.on_not_replayed(letter, published.error());
    // Of this message alone; whatever else it was, the next would fare no better.
    if (published.error().kind == FailureKind::too_large) co_return;
    if (!failure_) failure_ = published.error();
    walk_.stop();
}

}  // namespace prewarm::producer
