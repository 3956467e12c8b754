#include "common/amqp/connection.hpp"

#include "tests/integration/amqp/broker_test.hpp"
#include "tests/integration/amqp/management.hpp"
#include "tests/support/fault_gate.hpp"

namespace prewarm::amqp {
namespace {

using testing::HasSubstr;
using testing::Not;

class ConnectionTest : public BrokerTest {
protected:
    /// The same broker through a gate.
    static ConnectionOptions through(const test::FaultGate& gate) {
        auto options = connection_options();
        options.brokers.front().port = gate.port();
        return options;
    }
    static std::uint16_t broker_port() { return connection_options().brokers.front().port; }

    Failure refused(ConnectionOptions options) {
        Failure failure{FailureKind::transient, "connected"};
        run([&](TaskGroup&) -> asio::awaitable<void> {
            auto connection = co_await Connection::open(options);
            EXPECT_FALSE(connection);
            if (!connection) failure = connection.error();
        });
        return failure;
    }
};

TEST_F(ConnectionTest, SaysThatThePasswordIsWrong) {
    auto options = connection_options();
    options.brokers.front().password = Secret{"hunter2"};
    const auto failure = refused(options);
    EXPECT_EQ(failure.kind, FailureKind::misconfigured);
    EXPECT_THAT(failure.detail, HasSubstr("403 ACCESS_REFUSED"));
    EXPECT_THAT(failure.detail, Not(HasSubstr("hunter2")));
}

TEST_F(ConnectionTest, SaysThatTheVhostIsMissing) {
    auto options = connection_options();
    options.brokers.front().vhost = "nowhere";
    const auto failure = refused(options);
    EXPECT_EQ(failure.kind, FailureKind::misconfigured);
    EXPECT_THAT(failure.detail, HasSubstr("vhost nowhere not found"));
}

TEST_F(ConnectionTest, SaysWhereNobodyListens) {
    auto options = connection_options();
    options.brokers.front().port = 1;
    const auto failure = refused(options);
    EXPECT_EQ(failure.kind, FailureKind::unavailable);
    EXPECT_THAT(failure.detail, HasSubstr("127.0.0.1:1: cannot connect: Connection refused"));
}

TEST_F(ConnectionTest, SaysThatANameIsUnknown) {
    auto options = connection_options();
    options.brokers.front().host = "broker.invalid";
    const auto failure = refused(options);
    EXPECT_EQ(failure.kind, FailureKind::unavailable);
    EXPECT_THAT(failure.detail, HasSubstr("broker.invalid"));
}

TEST_F(ConnectionTest, DoesNotWaitForEverForASilentServer) {
    test::FaultGate gate{broker_port()};
    gate.freeze();
    auto options = through(gate);
    options.connect_timeout = 50ms;
    const auto failure = refused(options);
    EXPECT_EQ(failure.kind, FailureKind::unavailable);
    EXPECT_THAT(failure.detail, HasSubstr("no answer in time"));
}

TEST_F(ConnectionTest, TriesOneBrokerAfterTheOther) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto options = connection_options();
        auto dead = options.brokers.front();
        dead.port = 1;
        const auto alive = options.brokers.front().shown();
        options.brokers.insert(options.brokers.begin(), dead);
        options.brokers.push_back(dead);
        for (int i = 0; i < 5; ++i) {
            auto connection = must(co_await Connection::open(options));
            EXPECT_EQ(connection->broker(), alive);
            must(co_await connection->close(soon()));
        }
    });
}

TEST_F(ConnectionTest, NamesBothSidesOfAnArgumentThatDiffersAndStaysUsable) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        FieldTable arguments;
        arguments.set("x-delivery-limit", 20);
        const auto queue = co_await new_queue(arguments);
        auto connection = must(co_await connect());
        auto channel = must(co_await connection->open_channel(soon()));
        QueueSpec other{.name = queue};
        other.arguments.set("x-queue-type", "quorum");
        other.arguments.set("x-delivery-limit", 50);
        const auto refused = co_await channel->declare_queue(other, soon());
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, FailureKind::refused);
        EXPECT_THAT(refused.error().detail, HasSubstr("406 PRECONDITION_FAILED"));
        EXPECT_THAT(refused.error().detail, HasSubstr("x-delivery-limit"));
        EXPECT_THAT(refused.error().detail, HasSubstr("20"));
        EXPECT_THAT(refused.error().detail, HasSubstr("50"));
        EXPECT_FALSE(channel->is_open());
        const auto again = co_await channel->inspect_queue(queue, soon());
        EXPECT_EQ(again.error().detail, refused.error().detail);

        auto next = must(co_await connection->open_channel(soon()));
        EXPECT_EQ(must(co_await next->inspect_queue(queue, soon())).name, queue);
        must(co_await connection->close(soon()));
    });
}

TEST_F(ConnectionTest, RefusesWhatIsNotThere) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto connection = must(co_await connect());
        auto channel = must(co_await connection->open_channel(soon()));
        const auto missing = co_await channel->inspect_queue(test::random_name(), soon());
        EXPECT_EQ(missing.error().kind, FailureKind::refused);
        EXPECT_THAT(missing.error().detail, HasSubstr("404 NOT_FOUND"));
    });
}

TEST_F(ConnectionTest, CountsPurgesAndDeletes) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto connection = must(co_await connect());
        auto channel = must(co_await connection->open_channel(soon()));
        const auto made = must(co_await channel->declare_queue(
            {.name = "", .durable = false, .exclusive = true}, soon()));
        EXPECT_THAT(made.name, testing::StartsWith("amq.gen-"));
        const auto exchange = test::random_name();
        must(co_await channel->declare_exchange({.name = exchange, .type = "direct"}, soon()));
        must(co_await channel->bind_queue(made.name, exchange, "key", soon()));
        for (int i = 0; i < 3; ++i)
            must(channel->publish(exchange, "key", {}, true));
        while (must(co_await channel->inspect_queue(made.name, soon())).ready_messages < 3)
            co_await sleep_for(1ms);
        const auto got = must(co_await channel->get(made.name, soon()));
        EXPECT_TRUE(got && got->routing_key == "key" && got->exchange == exchange);
        channel->ack(got->tag.number);
        EXPECT_EQ(must(co_await channel->purge_queue(made.name, soon())), 2U);
        must(channel->publish(exchange, "key", {}, true));
        while (must(co_await channel->inspect_queue(made.name, soon())).ready_messages < 1)
            co_await sleep_for(1ms);
        EXPECT_EQ(must(co_await channel->delete_queue(made.name, soon())), 1U);
        must(co_await channel->delete_exchange(exchange, soon()));
        must(co_await channel->close(soon()));
        EXPECT_FALSE(channel->is_open());
        must(co_await connection->close(soon()));
    });
}

TEST_F(ConnectionTest, GivesBackWhatAChannelHeldWhenItIsLetGo) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        co_await fill(queue, 1);
        auto connection = must(co_await connect());
        auto channel = must(co_await connection->open_channel(soon()));
        EXPECT_TRUE(must(co_await channel->get(queue, soon())));
        co_await until_messages_in(queue, 0);
        channel.reset();
        co_await until_messages_in(queue, 1);
        EXPECT_TRUE(connection->is_open());
    });
}

TEST_F(ConnectionTest, UsesTheNumbersOfClosedChannelsAgain) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto connection = must(co_await connect());
        for (int i = 0; i < 300; ++i) {
            auto channel = must(co_await connection->open_channel(soon()));
            if (i % 2 == 0) must(co_await channel->close(soon()));
        }
        std::vector<std::shared_ptr<Channel>> channels;
        auto opened = co_await connection->open_channel(soon());
        while (opened) {
            channels.push_back(*opened);
            opened = co_await connection->open_channel(soon());
        }
        EXPECT_EQ(opened.error().kind, FailureKind::transient);
        EXPECT_EQ(channels.size(), 64U);
        must(co_await connection->close(soon()));
    });
}

TEST_F(ConnectionTest, CountsOffTheAnswerToACallItGaveUp) {
    test::FaultGate gate{broker_port()};
    run([&](TaskGroup&) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        auto connection = must(co_await Connection::open(through(gate)));
        auto channel = must(co_await connection->open_channel(soon()));
        gate.freeze();
        const auto late = co_await channel->inspect_queue(queue, deadline_in(20ms));
        EXPECT_EQ(late.error().kind, FailureKind::unavailable);
        EXPECT_THAT(late.error().detail, HasSubstr("did not answer"));
        gate.thaw();
        must(co_await channel->prefetch(1, soon()));
        EXPECT_EQ(must(co_await channel->inspect_queue(queue, soon())).name, queue);
    });
}

TEST_F(ConnectionTest, GivesUpASilentBroker) {
    test::FaultGate gate{broker_port()};
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto options = through(gate);
        options.heartbeat = 1s;
        auto connection = must(co_await Connection::open(options));
        auto channel = must(co_await connection->open_channel(soon()));
        gate.freeze();
        // A call fails with the connection, long before its own deadline.
        const auto call = co_await channel->inspect_queue("any", deadline_in(100s));
        EXPECT_EQ(call.error().kind, FailureKind::unavailable);
        const auto why = co_await connection->lost();
        EXPECT_EQ(why.kind, FailureKind::unavailable);
        EXPECT_THAT(why.detail, HasSubstr("silent"));
        EXPECT_FALSE(channel->is_open());
        const auto after = co_await connection->open_channel(soon());
        EXPECT_EQ(after.error().detail, why.detail);
    });
}

TEST_F(ConnectionTest, LivesOnHeartbeatsAlone) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto options = connection_options();
        options.heartbeat = 1s;
        auto connection = must(co_await Connection::open(options));
        co_await sleep_for(3500ms);  // The broker closes after two that it missed.
        EXPECT_TRUE(connection->is_open());
        must(co_await connection->close(soon()));
    });
}

TEST_F(ConnectionTest, SaysWhyTheBrokerClosedIt) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        const auto options = connection_options();
        auto connection = must(co_await Connection::open(options));
        while (!close_connection_called(options.name))
            co_await sleep_for(100ms);
        const auto why = co_await connection->lost();
        EXPECT_EQ(why.kind, FailureKind::unavailable);
        EXPECT_THAT(why.detail, HasSubstr("320 CONNECTION_FORCED"));
    });
}

TEST_F(ConnectionTest, EndsItsCallsWhenItIsLetGo) {
    test::FaultGate gate{broker_port()};
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        auto connection = must(co_await Connection::open(through(gate)));
        auto channel = must(co_await connection->open_channel(soon()));
        gate.freeze();
        std::optional<Result<QueueState>> outcome;
        const auto call = [&]() -> asio::awaitable<void> {
            outcome = co_await channel->inspect_queue("any", deadline_in(100s));
        };
        group.spawn(call());
        co_await sleep_for(1ms);
        connection.reset();
        while (!outcome)
            co_await sleep_for(1ms);
        EXPECT_EQ(outcome->error().kind, FailureKind::unavailable);
    });
}

TEST_F(ConnectionTest, CanBeCancelledWhileItConnects) {
    test::FaultGate gate{broker_port()};
    gate.freeze();
    run([&](TaskGroup&) -> asio::awaitable<void> {
        TaskGroup connecting{loop.get_executor()};
        auto options = through(gate);
        options.connect_timeout = 100s;
        const auto open = [&]() -> asio::awaitable<void> {
            (void)co_await Connection::open(options);
        };
        connecting.spawn(open());
        co_await sleep_for(10ms);
        connecting.cancel_all();
        EXPECT_TRUE(co_await connecting.join(soon()));
    });
}

}  // namespace
}  // namespace prewarm::amqp
