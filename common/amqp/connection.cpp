#include "common/amqp/connection.hpp"

#include <random>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "common/amqp/session.hpp"
#include "common/amqp/transport.hpp"

namespace prewarm::amqp {
namespace {

Task<std::shared_ptr<Session>> reach(BrokerAddress address, std::string name,
                                     std::chrono::seconds heartbeat) {
    auto transport = co_await Transport::connect(address);
    if (!transport) co_return transport.error();
    const auto executor = co_await asio::this_coro::executor;
    auto session = std::make_shared<Session>(executor, std::move(*transport));
    auto agreed = co_await session->shake_hands(std::move(address), std::move(name), heartbeat);
    if (!agreed) co_return agreed.error();
    co_return session;
}

/// So that a cluster's nodes get their share of connections.
std::size_t any_of(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>{
        0, count - 1}(*std::make_unique<std::random_device>());
}

}  // namespace

Task<std::unique_ptr<Connection>> Connection::open(ConnectionOptions options) {
    Failure failure{FailureKind::unavailable, "RabbitMQ cannot be reached:"};
    const auto count = options.brokers.size();
    const auto first = count > 0 ? any_of(count) : 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto& broker = options.brokers[(first + i) % count];
        auto attempt = reach(broker, options.name, options.heartbeat);
        auto session = co_await with_deadline(deadline_in(options.connect_timeout),
                                              std::move(attempt), "the broker");
        if (session) {
            (*session)->start();
            co_return std::unique_ptr<Connection>{new Connection{std::move(*session)}};
        }
        if (session.error().kind == FailureKind::misconfigured)
            failure.kind = FailureKind::misconfigured;
        failure.detail += (i == 0 ? " " : "; ") + broker.shown() + ": " + session.error().detail;
    }
    co_return failure;
}

Connection::Connection(std::shared_ptr<Session> session) : session_{std::move(session)} {}

Connection::~Connection() {
    session_->fail({FailureKind::unavailable, "the connection was dropped"});
}

Task<std::shared_ptr<Channel>> Connection::open_channel(Deadline deadline) {
    return session_->open_channel(deadline);
}

asio::awaitable<Failure> Connection::lost() {
    const auto session = session_;
    co_await session->wait_lost();
    co_return *session->lost();
}

bool Connection::is_open() const {
    return !session_->lost();
}

Task<> Connection::close(Deadline deadline) {
    return session_->close(deadline);
}

bool Connection::blocked() const {
    return session_->blocked();
}

void Connection::on_blocked(std::function<void()> told) {
    session_->on_blocked(std::move(told));
}

std::size_t Connection::queued_bytes() const {
    return session_->queued_bytes();
}

std::string Connection::broker() const {
    return session_->broker();
}

}  // namespace prewarm::amqp
