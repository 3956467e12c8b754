#include "common/amqp/link.hpp"

#include "tests/integration/amqp/broker_test.hpp"
#include "tests/integration/amqp/management.hpp"
#include "tests/support/fault_gate.hpp"

namespace prewarm::amqp {
namespace {

using testing::HasSubstr;

class LinkTest : public BrokerTest {
protected:
    LinkOptions through_gate() {
        auto options = link_options();
        options.connection.brokers.front().port = gate.port();
        options.connection.heartbeat = 1s;
        return options;
    }

    ConsumerOptions consumer_through_gate(std::string queue) {
        auto options = consumer_of(std::move(queue));
        options.link = through_gate();
        return options;
    }

    static Task<> publish_one(Publisher& publisher, std::string queue, std::string body) {
        Message message;
        message.body = std::move(body);
        co_return co_await publisher.publish("", std::move(queue), std::move(message),
                                             Mandatory::yes, soon());
    }

    /// The next delivery, whatever was lost before.
    static asio::awaitable<Delivery> next_of(Consumer& consumer) {
        for (;;) {
            auto delivery = co_await consumer.next();
            if (delivery) co_return std::move(*delivery);
        }
    }

    test::FaultGate gate{connection_options().brokers.front().port};
};

TEST_F(LinkTest, ConsumerAndPublisherComeBackAfterTheBrokerClosedTheirConnections) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        auto consumer_options = consumer_of(queue);
        auto publisher_options = link_options();
        auto& consumer = consume(group, consumer_options);
        auto& publisher = publish(group, publisher_options);
        must(co_await publish_one(publisher, queue, "before"));
        const auto before = must(co_await consumer.next());

        while (!close_connection_called(consumer_options.link.connection.name))
            co_await sleep_for(100ms);
        while (!close_connection_called(publisher_options.connection.name))
            co_await sleep_for(100ms);
        const auto lost = co_await consumer.next();
        EXPECT_FALSE(lost);
        EXPECT_EQ(lost.error().kind, FailureKind::unavailable);
        EXPECT_FALSE(consumer.holds(before.tag));

        const auto again = co_await next_of(consumer);
        EXPECT_EQ(again.message.body, "before");
        EXPECT_TRUE(again.redelivered);
        EXPECT_GT(again.tag.generation, before.tag.generation);
        consumer.ack(before.tag);  // Of a channel that is gone: nothing happens.
        EXPECT_TRUE(consumer.holds(again.tag));
        consumer.ack(again.tag);

        // One that was under way just then may be lost; the next gets through.
        while (!co_await publish_one(publisher, queue, "after")) {
        }
        const auto after = co_await next_of(consumer);
        EXPECT_EQ(after.message.body, "after");
        EXPECT_EQ(after.tag.generation, again.tag.generation);
        consumer.ack(after.tag);
        EXPECT_EQ(consumer.status().state, LinkState::ready);
        EXPECT_EQ(publisher.status().state, LinkState::ready);
        EXPECT_THAT(publisher.status().last_failure, HasSubstr("320"));
    });
}

TEST_F(LinkTest, PublishesWaitForTheBrokersReturn) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        gate.shut();
        auto& publisher = publish(group, through_gate());
        std::vector<Result<>> results;
        const auto one = [&](int i) -> asio::awaitable<void> {
            results.push_back(co_await publish_one(publisher, queue, std::to_string(i)));
        };
        for (int i = 0; i < 10; ++i)
            group.spawn(one(i));
        co_await sleep_for(50ms);
        EXPECT_TRUE(results.empty());
        gate.open();
        while (results.size() < 10)
            co_await sleep_for(10ms);
        for (const auto& result : results)
            EXPECT_TRUE(result);
        co_await until_messages_in(queue, 10);
    });
}

TEST_F(LinkTest, SaysThatTheOutcomeIsUnknownWhenTheConnectionIsLost) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        auto& publisher = publish(group, through_gate());
        must(co_await publish_one(publisher, queue, "first"));
        gate.freeze();
        std::optional<Result<>> result;
        const auto one = [&]() -> asio::awaitable<void> {
            result = co_await publish_one(publisher, queue, "second");
        };
        group.spawn(one());
        co_await sleep_for(10ms);
        EXPECT_EQ(publisher.outstanding(), 1U);
        gate.shut();
        while (!result)
            co_await sleep_for(1ms);
        EXPECT_EQ(result->error().kind, FailureKind::unavailable);
        EXPECT_THAT(result->error().detail, HasSubstr("may or may not have arrived"));
        EXPECT_EQ(publisher.outstanding(), 0U);
    });
}

TEST_F(LinkTest, HoldsNoMoreInMemoryThanItsBoundForABrokerThatReadsNothing) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        auto options = through_gate();
        options.connection.heartbeat = 30s;
        auto& publisher = publish(group, options);
        must(co_await publish_one(publisher, queue, "first"));
        gate.freeze();
        int done = 0;
        const auto one = [&]() -> asio::awaitable<void> {
            must(co_await publish_one(publisher, queue, std::string(100'000, 'x')));
            ++done;
        };
        constexpr int count = 400;  // More than sockets and queue can take together.
        for (int i = 0; i < count; ++i)
            group.spawn(one());
        co_await sleep_for(200ms);
        EXPECT_LT(publisher.outstanding(), 300U);
        gate.thaw();
        while (done < count)
            co_await sleep_for(10ms);
        co_await until_messages_in(queue, count + 1);
    });
}

TEST_F(LinkTest, TheConsumerLeavesAFrozenBrokerAndFindsItAgain) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        co_await fill(queue, 2);
        auto& consumer = consume(group, consumer_through_gate(queue));
        const auto first = must(co_await consumer.next());
        (void)must(co_await consumer.next());
        gate.freeze();
        const auto lost = co_await consumer.next();
        EXPECT_FALSE(lost);
        EXPECT_FALSE(consumer.holds(first.tag));
        EXPECT_EQ(consumer.held(), 0U);
        gate.thaw();
        const auto again = co_await next_of(consumer);
        EXPECT_TRUE(again.redelivered);
    });
}

TEST_F(LinkTest, ChecksTheTopologyOfEveryConnection) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        co_await fill(queue, 1);
        auto options = consumer_of(queue);
        int checks = 0;
        options.link.on_connected = [&](Connection& connection) -> Task<> {
            EXPECT_TRUE(connection.is_open());
            if (++checks < 3)
                co_return Failure{FailureKind::misconfigured, "the queue is not as agreed"};
            co_return Result<>{};
        };
        std::vector<std::string> seen;
        options.link.on_change = [&](const LinkStatus& status) {
            seen.push_back(std::string{name_of(status.state)} + " " + status.last_failure);
        };
        auto& consumer = consume(group, options);
        consumer.ack(must(co_await consumer.next()).tag);
        EXPECT_EQ(checks, 3);
        must(co_await consumer.close(soon()));
        EXPECT_THAT(seen, testing::ElementsAre("connecting the queue is not as agreed",
                                               "ready the queue is not as agreed",
                                               "paused the queue is not as agreed",
                                               "closed the queue is not as agreed"));
        const auto closed = co_await consumer.next();
        EXPECT_EQ(closed.error().kind, FailureKind::unavailable);
    });
}

TEST_F(LinkTest, StaysPausedAcrossALostConnection) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        co_await fill(queue, 1);
        auto& consumer = consume(group, consumer_through_gate(queue));
        consumer.nack(must(co_await consumer.next()).tag, Requeue::yes);
        must(co_await consumer.pause(soon()));
        gate.shut();
        while (consumer.status().state != LinkState::connecting)
            co_await sleep_for(1ms);
        gate.open();
        while (consumer.status().state != LinkState::paused)
            co_await sleep_for(1ms);
        co_await until_messages_in(queue, 1);
        must(co_await consumer.resume(soon()));
        const auto delivery = co_await next_of(consumer);
        EXPECT_EQ(delivery.message.body, "0");
    });
}

TEST_F(LinkTest, ClosesWhileThereIsNoBroker) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        gate.shut();
        auto& consumer = consume(group, consumer_through_gate("any"));
        auto& publisher = publish(group, through_gate());
        co_await sleep_for(20ms);
        must(co_await consumer.close(soon()));
        must(co_await publisher.close(soon()));
        while (group.running() > 0)
            co_await sleep_for(1ms);
    });
}

}  // namespace
}  // namespace prewarm::amqp
