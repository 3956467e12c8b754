#include "common/amqp/consumer.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <unordered_set>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "common/runtime/wait.hpp"

namespace prewarm::amqp {
namespace {

// For each call while a consumer is set up. A cluster without a majority leaves consume without an
// answer for good.
constexpr std::chrono::seconds call_timeout{10};
// After the broker ended the consumer: its queue may be between two leaders.
constexpr std::chrono::seconds pause_after_cancel{1};

/// The broker takes a prefetch of 0 for one without a limit.
std::uint16_t at_least_one(std::uint16_t prefetch) {
    return std::max<std::uint16_t>(prefetch, 1);
}
ConsumerOptions at_least_one(ConsumerOptions options) {
    options.prefetch = at_least_one(options.prefetch);
    return options;
}

}  // namespace

struct Consumer::State {
    State(asio::any_io_executor executor, ConsumerOptions given)
        : options{at_least_one(std::move(given))},
          link{executor, options.link,
               [this](Connection& connection) { return serve(connection); }},
          arrived{never(executor)},
          changed{never(executor)},
          settled{never(executor)} {}

    asio::awaitable<Failure> serve(Connection& connection);
    asio::awaitable<std::optional<Failure>> follow_wishes();
    Task<> subscribe();
    Task<> unsubscribe();
    void broken_off(const Failure& why);
    void give_back_waiting();

    Task<> until_settled(Deadline deadline);
    Task<> wait_settled();
    bool as_wished() const {
        return wanted ? subscribed_with == options.prefetch : subscribed_with == 0;
    }

    /// The channel, if it can still settle the tag; it is not held any more.
    Channel* let_go(DeliveryTag tag);

    ConsumerOptions options;
    Link link;

    std::shared_ptr<Channel> channel;  // Null while there is none that is alive.
    std::uint64_t generation = 0;
    std::deque<Delivery> waiting;  // For next().
    std::unordered_set<std::uint64_t> held;
    std::optional<Failure> news;  // For next().
    asio::steady_timer arrived;   // Something for next().

    bool wanted = true;                 // What is wished,
    std::uint16_t subscribed_with = 0;  // and what is: the prefetch, 0 when not consuming.
    std::string consumer_tag;
    std::optional<Failure> cancelled_why;  // The broker ended the consumer; the channel lives.
    std::optional<Failure> closed_why;     // Of the channel.
    asio::steady_timer changed;            // A wish, or one of the two above.
    asio::steady_timer settled;            // It is as wished, or will not be soon.
};

// ---- the channel and its consumer -----------------------------------------------------

asio::awaitable<Failure> Consumer::State::serve(Connection& connection) {
    auto opened = co_await connection.open_channel(deadline_in(call_timeout));
    if (!opened) co_return opened.error();

    struct Gone {  // However this ends, by cancellation too.
        State& state;
        ~Gone() { state.broken_off({FailureKind::unavailable, "the connection was dropped"}); }
    };
    const Gone gone{*this};
    channel = *opened;
    ++generation;
    closed_why.reset();
    cancelled_why.reset();
    channel->keep_bodies_to(options.largest_body_bytes);
    channel->listen({
        .on_delivery =
            [this](Delivery delivery) {
                delivery.tag.generation = generation;
                waiting.push_back(std::move(delivery));
                arrived.cancel();
            },
        .on_consumer_cancelled =
            [this](const std::string& why) {
                cancelled_why = Failure{FailureKind::unavailable, why};
                changed.cancel();
            },
        .on_returned = {},
        .on_confirm = {},
        .on_closed =
            [this](const Failure& why) {
                closed_why = Failure{FailureKind::unavailable, why.detail};
                broken_off(*closed_why);
                changed.cancel();
            },
    });

    while (!closed_why) {
        auto trouble = co_await follow_wishes();
        if (trouble) co_return std::move(*trouble);
    }
    co_return *closed_why;
}

/// One step from what is to what is wished. A failure that only a new connection can mend.
asio::awaitable<std::optional<Failure>> Consumer::State::follow_wishes() {
    Result<> step;
    if (cancelled_why) {
        const auto why = *std::exchange(cancelled_why, std::nullopt);
        subscribed_with = 0;
        news = why;
        arrived.cancel();
        link.report_trouble(why);
        co_await sleep_for(pause_after_cancel);
    } else if (subscribed_with != 0 && !as_wished()) {
        step = co_await unsubscribe();
    } else if (wanted && subscribed_with == 0) {
        step = co_await subscribe();
    } else {
        if (!wanted) give_back_waiting();
        link.report(wanted ? LinkState::ready : LinkState::paused);
        settled.cancel();
        co_await wake_up(changed);
    }
    if (step) co_return std::nullopt;
    co_return step.error();
}

Task<> Consumer::State::subscribe() {
    const auto mine = channel;
    const auto prefetch = options.prefetch;
    auto limited = co_await mine->prefetch(prefetch, deadline_in(call_timeout));
    if (!limited) co_return limited;
    auto tag = co_await mine->consume(options.queue, deadline_in(call_timeout));
    if (!tag) co_return tag.error();
    // The answer may have come together with the channel's end.
    if (!mine->is_open()) co_return Result<>{};
    consumer_tag = std::move(*tag);
    subscribed_with = prefetch;
    co_return Result<>{};
}

Task<> Consumer::State::unsubscribe() {
    const auto mine = channel;
    auto cancelled = co_await mine->cancel(consumer_tag, deadline_in(call_timeout));
    if (!cancelled) co_return cancelled;
    subscribed_with = 0;
    co_return Result<>{};
}

/// Nothing of this channel can be settled any more.
void Consumer::State::broken_off(const Failure& why) {
    if (!channel) return;
    const bool was_of_use = subscribed_with != 0 || !held.empty();
    channel.reset();
    subscribed_with = 0;
    waiting.clear();
    held.clear();
    if (was_of_use) {
        news = why;
        arrived.cancel();
    }
    settled.cancel();
}

void Consumer::State::give_back_waiting() {
    for (const auto& delivery : std::exchange(waiting, {}))
        channel->nack(delivery.tag.number, Requeue::yes);
}

// ---- wishes -----------------------------------------------------------------------------

Task<> Consumer::State::until_settled(Deadline deadline) {
    changed.cancel();
    co_return co_await with_deadline(deadline, wait_settled(), "the consumer");
}

Task<> Consumer::State::wait_settled() {
    // Without a channel nothing is consumed: a pause is settled, and anything else is made true
    // with the next one.
    while (!as_wished() && !link.closed())
        co_await wake_up(settled);
    co_return Result<>{};
}

Channel* Consumer::State::let_go(DeliveryTag tag) {
    if (tag.generation != generation || held.erase(tag.number) == 0) return nullptr;
    return channel.get();
}

Consumer::Consumer(asio::any_io_executor executor, ConsumerOptions options)
    : state_{std::make_unique<State>(std::move(executor), std::move(options))} {}

Consumer::~Consumer() = default;

asio::awaitable<void> Consumer::run() {
    return state_->link.run();
}

Task<Delivery> Consumer::next() {
    auto& state = *state_;
    for (;;) {
        if (state.news) co_return *std::exchange(state.news, std::nullopt);
        if (!state.waiting.empty()) {
            auto delivery = std::move(state.waiting.front());
            state.waiting.pop_front();
            state.held.insert(delivery.tag.number);
            co_return delivery;
        }
        if (state.link.closed())
            co_return Failure{FailureKind::unavailable, "the consumer was closed"};
        co_await wake_up(state.arrived);
    }
}

bool Consumer::holds(DeliveryTag tag) const {
    return tag.generation == state_->generation && state_->held.contains(tag.number);
}

std::size_t Consumer::held() const {
    return state_->held.size();
}

void Consumer::ack(DeliveryTag tag) {
    if (auto* channel = state_->let_go(tag)) channel->ack(tag.number);
}

void Consumer::reject(DeliveryTag tag, Requeue requeue) {
    if (auto* channel = state_->let_go(tag)) channel->reject(tag.number, requeue);
}

void Consumer::nack(DeliveryTag tag, Requeue requeue) {
    if (auto* channel = state_->let_go(tag)) channel->nack(tag.number, requeue);
}

Task<> Consumer::pause(Deadline deadline) {
    state_->wanted = false;
    return state_->until_settled(deadline);
}

Task<> Consumer::resume(Deadline deadline) {
    state_->wanted = true;
    return state_->until_settled(deadline);
}

Task<> Consumer::set_prefetch(std::uint16_t count, Deadline deadline) {
    state_->options.prefetch = at_least_one(count);
    return state_->until_settled(deadline);
}

Task<> Consumer::close(Deadline deadline) {
    auto paused = co_await pause(deadline);
    auto closed = co_await state_->link.close(deadline);
    state_->arrived.cancel();
    state_->settled.cancel();
    co_return paused ? closed : paused;
}

LinkStatus Consumer::status() const {
    return state_->link.status();
}

}  // namespace prewarm::amqp
