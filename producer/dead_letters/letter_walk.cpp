#include "producer/dead_letters/letter_walk.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

constexpr auto call_time = 15s;
constexpr std::uint64_t least_kept_on_a_lane = 2000;
constexpr std::uint64_t most_lanes = 40;  // A connection has 64 channels.

// A queue that has something hands it out within milliseconds.
constexpr auto patience = 1s;
constexpr auto most_patience = 30s;
// Giving back writes each message anew: about ten thousand a second.
constexpr auto return_time = 5s;
constexpr std::uint64_t returned_in_a_second = 2000;

}  // namespace

LetterWalk::LetterWalk(asio::any_io_executor executor, amqp::Connection& connection,
                       Options options)
    : connection_{connection}, options_{std::move(options)}, changed_{std::move(executor)} {}

Task<> LetterWalk::begin() {
    const auto give_up = deadline_in(most_patience);
    for (bool surely_some = false;;) {
        const auto queue = co_await look_at_queue();
        if (!queue) co_return queue.error();
        at_first_ = waiting_ = queue->ready_messages;
        if (waiting_ > 0) co_return co_await consume();
        if (!surely_some) {
            const auto empty = co_await is_empty();
            if (!empty) co_return empty.error();
            if (*empty) co_return Result<>{};
            surely_some = true;
        }
        if (std::chrono::steady_clock::now() >= give_up) co_return hands_out_nothing();
        co_await sleep_for(100ms);
    }
}

Failure LetterWalk::hands_out_nothing() const {
    return {FailureKind::unavailable, "RabbitMQ is slow to hand out what is in " + options_.queue};
}

/// A busy queue is said to have 0 messages; taking one tells the truth.
Task<bool> LetterWalk::is_empty() {
    const auto deadline = deadline_in(call_time);
    const auto channel = co_await connection_.open_channel(deadline);
    if (!channel) co_return channel.error();
    const auto taken = co_await (*channel)->get(options_.queue, deadline);
    if (!taken) co_return taken.error();
    if (!*taken) co_return true;
    (*channel)->nack((*taken)->tag.number, amqp::Requeue::yes);
    const auto closed = co_await (*channel)->close(deadline);
    if (!closed) co_return closed.error();
    co_return false;
}

Task<amqp::QueueState> LetterWalk::look_at_queue() {
    // On a channel of its own: a refusal closes it.
    const auto deadline = deadline_in(call_time);
    const auto channel = co_await connection_.open_channel(deadline);
    if (!channel) co_return channel.error();
    co_return co_await (*channel)->inspect_queue(options_.queue, deadline);
}

void LetterWalk::lose(Failure why) {
    if (!lost_) lost_ = std::move(why);
    changed_.cancel();
}

/// Several channels: the broker looks for an acknowledged message among all that its channel holds.
Task<> LetterWalk::open_lane() {
    const auto deadline = deadline_in(call_time);
    const auto channel = co_await connection_.open_channel(deadline);
    if (!channel) co_return channel.error();
    (*channel)->keep_bodies_to(options_.largest_body);
    const auto bounded = co_await (*channel)->prefetch(options_.window, deadline);
    if (!bounded) co_return bounded.error();
    amqp::ChannelEvents events;
    events.on_delivery = [this, number = lanes_.size() + 1](amqp::Delivery delivery) {
        delivery.tag.generation = number;
        arrived_.push_back(std::move(delivery));
        changed_.cancel();
    };
    events.on_consumer_cancelled = [this](const std::string& why) {
        lose({FailureKind::unavailable, why});
    };
    events.on_closed = [this](const Failure& why) { lose(why); };
    (*channel)->listen(std::move(events));
    lanes_.push_back({.channel = *channel});
    co_return Result<>{};
}

/// A consumer has a window; when all of it is kept, the next one brings more. Of what goes back at
/// once the broker takes one consumer's after the other's, sorted by their tags.
Task<> LetterWalk::consume() {
    const auto full = std::max(least_kept_on_a_lane, waiting_ / most_lanes);
    if (lanes_.empty() || lanes_.back().kept.size() >= full) {
        if (const auto opened = co_await open_lane(); !opened) co_return opened;
    }
    window_used_ = 0;
    auto consumer = co_await lanes_.back().channel->consume(
        options_.queue, deadline_in(call_time), fmt::format("letters-{:06}", ++consumers_));
    if (!consumer) co_return consumer.error();
    consumer_ = std::move(*consumer);
    co_return Result<>{};
}

/// Nothing more arrives then; what is held stays held.
Task<> LetterWalk::stop_consuming() {
    if (consumer_.empty()) co_return Result<>{};
    co_return co_await lanes_.back().channel->cancel(std::exchange(consumer_, {}),
                                                     deadline_in(call_time));
}

Task<std::optional<amqp::Delivery>> LetterWalk::next() {
    const auto give_up = deadline_in(most_patience);
    give_back_what_is_held_long();
    while (!stopped_ && handed_out_ < waiting_) {
        // What arrived before is in the queue again.
        if (lost_) co_return *lost_;
        if (!arrived_.empty()) {
            auto delivery = std::move(arrived_.front());
            arrived_.pop_front();
            ++handed_out_;
            co_return std::optional{std::move(delivery)};
        }
        if (window_used_ >= options_.window) {
            if (const auto ended = co_await stop_consuming(); !ended) co_return ended.error();
            if (const auto begun = co_await consume(); !begun) co_return begun.error();
            continue;
        }
        changed_.expires_after(patience);
        boost::system::error_code error;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, error));
        const auto cancelled = co_await asio::this_coro::cancellation_state;
        if (cancelled.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error{asio::error::operation_aborted};
        if (error) continue;  // Woken up.
        const auto empty = co_await is_empty();
        if (!empty) co_return empty.error();
        if (*empty && arrived_.empty()) co_return std::nullopt;  // Others took the rest.
        if (std::chrono::steady_clock::now() >= give_up) co_return hands_out_nothing();
    }
    co_return std::nullopt;
}

void LetterWalk::keep(amqp::DeliveryTag tag) {
    auto& lane = lanes_.at(tag.generation - 1);
    if (lane.kept.empty()) lane.kept_since = std::chrono::steady_clock::now();
    lane.kept.push_back(tag.number);
    ++window_used_;
}

void LetterWalk::give_back_what_is_held_long() {
    const auto too_long = std::chrono::steady_clock::now() - options_.longest_hold;
    for (auto& lane : lanes_) {
        if (lane.kept.empty() || lane.kept_since > too_long) continue;
        for (const auto number : lane.kept)
            lane.channel->nack(number, amqp::Requeue::yes);
        waiting_ += lane.kept.size();
        lane.kept.clear();
        if (&lane == &lanes_.back()) window_used_ = 0;
    }
}

void LetterWalk::remove(amqp::DeliveryTag tag) {
    ++removed_;
    lanes_.at(tag.generation - 1).channel->ack(tag.number);
}

void LetterWalk::stop() {
    stopped_ = true;
    changed_.cancel();
}

Task<> LetterWalk::give_back(std::span<const amqp::DeliveryTag> first) {
    if (const auto ended = co_await stop_consuming(); !ended) co_return ended;
    // One lane after the other: the broker serves channels side by side, and the order would be
    // lost. Each answer says that what was sent before has been read, and nothing refused.
    for (auto it = first.begin(); it != first.end();) {
        const auto generation = it->generation;
        const auto& channel = lanes_.at(generation - 1).channel;
        for (; it != first.end() && it->generation == generation; ++it)
            channel->nack(it->number, amqp::Requeue::yes);
        const auto read = co_await channel->prefetch(options_.window, deadline_in(call_time));
        if (!read) co_return read;
    }
    const auto lanes = std::exchange(lanes_, {});
    for (const auto& lane : lanes) {
        lane.channel->give_all_back();
        const auto closed = co_await lane.channel->close(deadline_in(call_time));
        if (!closed) co_return closed;
    }
    if (lost_) co_return *lost_;
    co_return co_await until_ready(at_first_ - std::min(at_first_, removed_));
}

Task<> LetterWalk::until_ready(std::uint64_t messages) {
    const auto deadline =
        deadline_in(return_time + std::chrono::seconds{messages / returned_in_a_second});
    for (;;) {
        const auto queue = co_await look_at_queue();
        if (!queue) co_return queue.error();
        if (queue->ready_messages >= messages) co_return Result<>{};
        // Others took some meanwhile.
        if (std::chrono::steady_clock::now() >= deadline) co_return Result<>{};
        co_await sleep_for(20ms);
    }
}

}  // namespace prewarm::producer
