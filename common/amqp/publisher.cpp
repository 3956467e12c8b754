#include "common/amqp/publisher.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "common/runtime/wait.hpp"

namespace prewarm::amqp {
namespace {

constexpr std::chrono::seconds call_timeout{10};
// What may wait for the kernel before a publish has to wait for its turn: enough to keep the
// connection busy, little enough to hold in an alarm, when the broker reads nothing.
constexpr std::size_t most_queued_bytes = 1024 * 1024;

/// A publish under way; it stands on the frame of its coroutine.
struct Pending {
    Pending(asio::any_io_executor executor, Deadline deadline)
        : timer{std::move(executor), deadline} {}

    void end(Result<> with) {
        outcome = std::move(with);
        timer.cancel();
    }

    std::string exchange;
    std::string routing_key;
    Message message;
    std::string message_id;  ///< Once it was sent: the message is not kept.
    Mandatory mandatory = Mandatory::no;
    asio::steady_timer timer;
    std::uint64_t number = 0;  ///< Not yet sent when 0.
    std::string returned;      ///< Why it came back; the broker confirms it all the same.
    std::optional<Result<>> outcome;
};

/// A channel that the broker closed says that an exchange is missing or forbidden.
Failure as_lost(const Failure& why) {
    if (why.kind == FailureKind::refused) return {FailureKind::misconfigured, why.detail};
    return {FailureKind::unavailable, why.detail + " (the message may or may not have arrived)"};
}

}  // namespace

struct Publisher::State {
    State(asio::any_io_executor given, LinkOptions options)
        : executor{given},
          link{given, std::move(options),
               [this](Connection& connection) { return serve(connection); }},
          closed_timer{never(given)},
          idle{never(given)} {}

    asio::awaitable<Failure> serve(Connection& connection);
    void send_waiting();
    void confirmed(Confirm confirm);
    void settle(Pending& pending, bool taken);
    void returned(const Returned& message);
    void broken_off(const Failure& why);
    void forget(Pending& pending);
    Task<> wait_idle();
    bool has_room() const {
        return channel && link.connection()->queued_bytes() < most_queued_bytes;
    }

    asio::any_io_executor executor;
    Link link;
    std::shared_ptr<Channel> channel;  // Null while there is none in confirm mode.
    std::optional<Failure> closed_why;
    asio::steady_timer closed_timer;

    std::deque<Pending*> waiting;
    std::map<std::uint64_t, Pending*> outstanding;
    std::uint64_t last_number = 0;  // Of this channel; the broker counts likewise.
    bool closing = false;
    asio::steady_timer idle;
};

asio::awaitable<Failure> Publisher::State::serve(Connection& connection) {
    auto opened = co_await connection.open_channel(deadline_in(call_timeout));
    if (!opened) co_return opened.error();
    auto confirming = co_await (*opened)->confirm_publishes(deadline_in(call_timeout));
    if (!confirming) co_return confirming.error();

    struct Gone {  // However this ends, by cancellation too.
        State& state;
        ~Gone() { state.broken_off({FailureKind::unavailable, "the connection was dropped"}); }
    };
    const Gone gone{*this};
    closed_why.reset();
    last_number = 0;
    channel = *opened;
    channel->listen({
        .on_delivery = {},
        .on_consumer_cancelled = {},
        .on_returned = [this](const Returned& message) { returned(message); },
        .on_confirm = [this](Confirm confirm) { confirmed(confirm); },
        .on_closed =
            [this](const Failure& why) {
                closed_why = why;
                broken_off(why);
                closed_timer.cancel();
            },
    });
    if (!channel->is_open()) co_return Failure{FailureKind::unavailable, "the channel is gone"};
    link.report(LinkState::ready);
    send_waiting();
    while (!closed_why)
        co_await wake_up(closed_timer);
    co_return *closed_why;
}

void Publisher::State::send_waiting() {
    while (!waiting.empty() && has_room()) {
        auto& pending = *waiting.front();
        waiting.pop_front();
        auto sent = channel->publish(pending.exchange, pending.routing_key, pending.message,
                                     pending.mandatory == Mandatory::yes);
        if (!sent) {
            pending.end(std::move(sent));
            continue;
        }
        pending.number = ++last_number;
        outstanding.emplace(pending.number, &pending);
        // The rest of it is in the connection's queue now.
        pending.message_id = std::exchange(pending.message, {}).message_id;
    }
}

void Publisher::State::confirmed(Confirm confirm) {
    const auto first =
        confirm.multiple ? outstanding.begin() : outstanding.lower_bound(confirm.number);
    const auto end = outstanding.upper_bound(confirm.number);
    for (auto it = first; it != end; it = outstanding.erase(it))
        settle(*it->second, confirm.taken);
    send_waiting();
    if (outstanding.empty()) idle.cancel();
}

void Publisher::State::settle(Pending& pending, bool taken) {
    pending.number = 0;
    if (!pending.returned.empty()) {
        pending.end(Failure{FailureKind::refused,
                            "unroutable: no queue is bound to the exchange '" + pending.exchange +
                                "' for the key '" + pending.routing_key + "' (" + pending.returned +
                                ")"});
    } else if (!taken) {
        pending.end(Failure{FailureKind::transient,
                            "RabbitMQ did not take the message: a queue is full or has no quorum"});
    } else {
        pending.end({});
    }
}

/// A return comes before its confirm and does not say which publish it was. Those of one exchange,
/// key and id share their fate, and returns come in the order of the publishes.
void Publisher::State::returned(const Returned& message) {
    const auto found = std::ranges::find_if(outstanding, [&](const auto& entry) {
        const Pending& pending = *entry.second;
        return pending.mandatory == Mandatory::yes && pending.returned.empty() &&
               pending.exchange == message.exchange && pending.routing_key == message.routing_key &&
               pending.message_id == message.message_id;
    });
    if (found != outstanding.end()) found->second->returned = message.reason;
}

void Publisher::State::broken_off(const Failure& why) {
    channel.reset();
    for (const auto& [number, pending] : std::exchange(outstanding, {})) {
        pending->number = 0;
        pending->end(as_lost(why));
    }
    idle.cancel();
}

void Publisher::State::forget(Pending& pending) {
    if (pending.number != 0) {
        outstanding.erase(pending.number);
    } else {
        std::erase(waiting, &pending);
    }
    if (outstanding.empty() && waiting.empty()) idle.cancel();
}

Task<> Publisher::State::wait_idle() {
    while (!outstanding.empty() || !waiting.empty())
        co_await wake_up(idle);
    co_return Result<>{};
}

Publisher::Publisher(asio::any_io_executor executor, LinkOptions options)
    : state_{std::make_unique<State>(std::move(executor), std::move(options))} {}

Publisher::~Publisher() = default;

asio::awaitable<void> Publisher::run() {
    return state_->link.run();
}

Task<> Publisher::publish(std::string exchange, std::string routing_key, Message message,
                          Mandatory mandatory, Deadline deadline) {
    auto& state = *state_;
    if (state.closing) co_return Failure{FailureKind::unavailable, "the publisher was closed"};

    Pending pending{state.executor, deadline};
    pending.exchange = std::move(exchange);
    pending.routing_key = std::move(routing_key);
    pending.message = std::move(message);
    pending.mandatory = mandatory;
    struct Guard {  // However this ends, by cancellation too.
        State& state;
        Pending& pending;
        ~Guard() { state.forget(pending); }
    };
    const Guard guard{state, pending};
    state.waiting.push_back(&pending);
    state.send_waiting();
    if (!pending.outcome) co_await wake_up(pending.timer);
    if (pending.outcome) co_return std::move(*pending.outcome);

    const auto& status = state.link.status();
    std::string why = pending.number != 0
                          ? "RabbitMQ did not confirm the message in time: it may or may not have "
                            "arrived"
                          : "the message could not be sent in time";
    if (status.blocked) why += " (RabbitMQ is in an alarm: out of memory or disk)";
    if (status.state == LinkState::connecting) why += " (" + status.last_failure + ")";
    co_return Failure{FailureKind::unavailable, std::move(why)};
}

std::size_t Publisher::outstanding() const {
    return state_->outstanding.size();
}

Task<> Publisher::close(Deadline deadline) {
    state_->closing = true;
    auto idle = co_await with_deadline(deadline, state_->wait_idle(), "the last publishes");
    auto closed = co_await state_->link.close(deadline);
    co_return idle ? closed : idle;
}

LinkStatus Publisher::status() const {
    return state_->link.status();
}

}  // namespace prewarm::amqp
