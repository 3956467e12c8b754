#include "producer/announcements.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

constexpr auto setup_time = 10s;
constexpr std::uint16_t most_held = 256;  // Of what is not taken yet.

}  // namespace

Task<> Announcements::follow(BrokerConfig broker, std::string_view command,
                             std::string routing_key) {
    auto connection = co_await amqp::Connection::open(broker.connection(command));
    if (!connection) co_return connection.error();
    connection_ = std::move(*connection);
    const auto deadline = deadline_in(setup_time);
    auto channel = co_await connection_->open_channel(deadline);
    if (!channel) co_return channel.error();
    channel_ = std::move(*channel);
    const auto queue = co_await channel_->declare_queue(
        {.name = "", .durable = false, .exclusive = true, .auto_delete = true}, deadline);
    if (!queue) co_return queue.error();
    const auto bound = co_await channel_->bind_queue(queue->name, broker.names.media_exchange,
                                                     routing_key, deadline);
    if (!bound) co_return bound.error();
    const auto bounded = co_await channel_->prefetch(most_held, deadline);
    if (!bounded) co_return bounded.error();
    amqp::ChannelEvents events;
    events.on_delivery = [this](amqp::Delivery delivery) {
        held_.push_back(std::move(delivery));
        changed_.cancel();
    };
    events.on_consumer_cancelled = [this](const std::string& why) {
        lost_ = Failure{FailureKind::unavailable, why};
        changed_.cancel();
    };
    events.on_closed = [this](const Failure& why) {
        lost_ = why;
        changed_.cancel();
    };
    channel_->listen(std::move(events));
    const auto tag = co_await channel_->consume(queue->name, deadline);
    if (!tag) co_return tag.error();
    co_return Result<>{};
}

Task<std::optional<amqp::Message>> Announcements::next(Deadline deadline) {
    while (held_.empty()) {
        if (lost_) co_return *lost_;
        if (std::chrono::steady_clock::now() >= deadline) co_return std::nullopt;
        changed_.expires_at(deadline);
        boost::system::error_code ignored;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    auto delivery = std::move(held_.front());
    held_.pop_front();
    channel_->ack(delivery.tag.number);
    co_return std::optional{std::move(delivery.message)};
}

/// What cannot go on, with what to do about it.
CommandError following_error(const Failure& failure, const BrokerConfig& broker) {
    if (failure.kind != FailureKind::refused) return command_error(Dependency::broker, failure);
    return {ExitStatus::work_failed,
            fmt::format("{}\nIf the exchange `{}` is missing, `prewarmctl topology` "
                        "makes it.",
                        failure.detail, broker.names.media_exchange)};
}

}  // namespace prewarm::producer
