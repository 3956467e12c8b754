// The broker dies, freezes, and runs out of memory.
#include <set>

#include "tests/integration/amqp/broker_test.hpp"
#include "tests/integration/amqp/private_broker.hpp"

namespace prewarm::amqp {
namespace {

using testing::HasSubstr;

class BrokerFaultsTest : public BrokerTest {
protected:
    LinkOptions to_own_broker(std::string name) {
        LinkOptions options;
        options.connection.brokers = {broker.address()};
        options.connection.name = std::move(name);
        options.connection.heartbeat = 1s;
        options.backoff_max = 300ms;
        return options;
    }

    Consumer& consume_from(TaskGroup& group, std::string queue) {
        ConsumerOptions options;
        options.link = to_own_broker("consumer");
        options.queue = std::move(queue);
        return consume(group, options);
    }

    asio::awaitable<std::string> queue_there() {
        auto connection = must(co_await Connection::open(to_own_broker("setup").connection));
        auto channel = must(co_await connection->open_channel(soon()));
        QueueSpec queue{.name = "queue"};
        queue.arguments.set("x-queue-type", "quorum");
        must(co_await channel->declare_queue(queue, soon()));
        must(co_await connection->close(soon()));
        co_return queue.name;
    }

    static asio::awaitable<Result<>> publish_one(Publisher& publisher, int body) {
        Message message;
        message.body = std::to_string(body);
        co_return co_await publisher.publish("", "queue", std::move(message), Mandatory::yes,
                                             deadline_in(60s));
    }

    /// Takes until it has seen every body, however often it is interrupted.
    static asio::awaitable<void> take_all(Consumer& consumer, std::set<std::string> missing) {
        while (!missing.empty()) {
            auto delivery = co_await consumer.next();
            if (!delivery) continue;
            missing.erase(delivery->message.body);
            consumer.ack(delivery->tag);
        }
    }

    PrivateBroker broker;
};

TEST_F(BrokerFaultsTest, LosesNothingConfirmedWhenItIsKilled) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await queue_there();
        co_await sleep_for(1s);  // A quorum queue killed sooner comes back without a member.
        auto& publisher = publish(group, to_own_broker("publisher"));
        auto& consumer = consume_from(group, queue);
        std::set<std::string> confirmed;
        std::set<std::string> taken;
        const auto publish_on = [&]() -> asio::awaitable<void> {
            for (int body = 0;;) {
                if (co_await publish_one(publisher, ++body)) confirmed.insert(std::to_string(body));
            }
        };
        const auto take = [&]() -> asio::awaitable<void> {
            for (;;) {
                auto delivery = co_await consumer.next();
                if (!delivery) continue;
                taken.insert(delivery->message.body);
                consumer.ack(delivery->tag);
            }
        };
        TaskGroup work{loop.get_executor()};
        work.spawn(publish_on());
        work.spawn(take());
        while (confirmed.size() < 200)
            co_await sleep_for(1ms);
        broker.kill();
        while (consumer.status().state != LinkState::connecting ||
               publisher.status().state != LinkState::connecting)
            co_await sleep_for(1ms);
        broker.restart();
        const auto before = confirmed.size();
        while (confirmed.size() < before + 200)
            co_await sleep_for(1ms);
        while (!std::ranges::includes(taken, confirmed))
            co_await sleep_for(10ms);
        EXPECT_EQ(consumer.status().state, LinkState::ready);
        work.cancel_all();
        EXPECT_TRUE(co_await work.join(soon()));
    });
}

TEST_F(BrokerFaultsTest, IsLeftWhileItIsFrozenAndFoundAgain) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await queue_there();
        auto& publisher = publish(group, to_own_broker("publisher"));
        auto& consumer = consume_from(group, queue);
        must(co_await publish_one(publisher, 1));
        co_await take_all(consumer, {"1"});

        broker.freeze();
        const auto lost = co_await consumer.next();
        EXPECT_FALSE(lost);
        EXPECT_THAT(lost.error().detail, HasSubstr("silent"));
        while (publisher.status().state != LinkState::connecting)
            co_await sleep_for(10ms);
        broker.thaw();
        must(co_await publish_one(publisher, 2));
        co_await take_all(consumer, {"2"});
    });
}

TEST_F(BrokerFaultsTest, ShowsItsAlarmAndTakesEverythingAfterwards) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await queue_there();
        auto& publisher = publish(group, to_own_broker("publisher"));
        auto& consumer = consume_from(group, queue);
        for (int i = 0; i < 3; ++i)
            must(co_await publish_one(publisher, i));
        broker.set_memory_limit("40MB");

        int done = 0;
        std::set<std::string> bodies{"0", "1", "2"};
        const auto one = [&](int i) -> asio::awaitable<void> {
            must(co_await publish_one(publisher, i));
            ++done;
        };
        for (int i = 3; i < 50; ++i) {
            bodies.insert(std::to_string(i));
            group.spawn(one(i));
        }
        while (!publisher.status().blocked)
            co_await sleep_for(10ms);
        const auto late =
            co_await publisher.publish("", "queue", {}, Mandatory::yes, deadline_in(20ms));
        EXPECT_EQ(late.error().kind, FailureKind::unavailable);
        EXPECT_THAT(late.error().detail, HasSubstr("alarm"));
        EXPECT_EQ(publisher.status().state, LinkState::ready);
        // The consumer's connection has published nothing: it goes on, acknowledgements included.
        co_await take_all(consumer, {"0", "1", "2"});
        must(co_await consumer.pause(soon()));
        must(co_await consumer.resume(soon()));
        // Longer than two heartbeats: a peer in an alarm is not a dead one.
        co_await sleep_for(3s);
        EXPECT_TRUE(publisher.status().blocked);
        EXPECT_EQ(done, 0);

        broker.set_memory_limit("1GB");
        co_await take_all(consumer, {"3", "20", "49"});
        while (done < 47)
            co_await sleep_for(10ms);
        EXPECT_FALSE(publisher.status().blocked);
        EXPECT_EQ(publisher.status().last_failure, "");
    });
}

}  // namespace
}  // namespace prewarm::amqp
