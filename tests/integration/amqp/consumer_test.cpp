#include "common/amqp/consumer.hpp"

#include <set>

#include "tests/integration/amqp/broker_test.hpp"

namespace prewarm::amqp {
namespace {

class ConsumerTest : public BrokerTest {};

TEST_F(ConsumerTest, TakesAndAcknowledgesEveryMessageOnce) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        constexpr int count = 5000;
        const auto queue = co_await new_queue();
        auto& publisher = publish(group);
        int confirmed = 0;
        const auto publish_one = [&](int i) -> asio::awaitable<void> {
            Message message;
            message.body = std::to_string(i);
            must(co_await publisher.publish("", queue, std::move(message), Mandatory::yes, soon()));
            ++confirmed;
        };
        TaskGroup publishes{loop.get_executor()};
        for (int i = 0; i < count; ++i)
            publishes.spawn(publish_one(i));

        auto& consumer = consume(group, consumer_of(queue, 50));
        std::set<std::string> bodies;
        std::size_t most_held = 0;
        while (bodies.size() < count) {
            auto delivery = must(co_await consumer.next());
            most_held = std::max(most_held, consumer.held());
            EXPECT_FALSE(delivery.redelivered);
            EXPECT_TRUE(bodies.insert(delivery.message.body).second);
            consumer.ack(delivery.tag);
        }
        EXPECT_TRUE(co_await publishes.join(soon()));
        EXPECT_EQ(confirmed, count);
        EXPECT_LE(most_held, 50U);
        EXPECT_EQ(consumer.held(), 0U);
        must(co_await consumer.close(soon()));
        must(co_await publisher.close(soon()));
        co_await until_messages_in(queue, 0);
    });
}

TEST_F(ConsumerTest, HoldsNoMoreThanThePrefetch) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        co_await fill(queue, 10);
        auto& consumer = consume(group, consumer_of(queue, 3));
        std::vector<DeliveryTag> tags;
        for (int i = 0; i < 3; ++i)
            tags.push_back(must(co_await consumer.next()).tag);
        EXPECT_EQ(consumer.held(), 3U);
        co_await until_messages_in(queue, 7);

        must(co_await consumer.set_prefetch(5, soon()));
        for (int i = 0; i < 5; ++i)
            tags.push_back(must(co_await consumer.next()).tag);
        co_await until_messages_in(queue, 2);
        for (const auto tag : tags)
            consumer.ack(tag);
        must(co_await consumer.close(soon()));
        co_await until_messages_in(queue, 2);
    });
}

TEST_F(ConsumerTest, AcknowledgesWhatItHoldsAfterItWasPaused) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        co_await fill(queue, 10);
        auto& consumer = consume(group, consumer_of(queue));
        std::vector<DeliveryTag> tags;
        for (int i = 0; i < 6; ++i)
            tags.push_back(must(co_await consumer.next()).tag);

        must(co_await consumer.pause(soon()));
        EXPECT_EQ(consumer.status().state, LinkState::paused);
        EXPECT_EQ(consumer.held(), 6U);
        for (int i = 0; i < 4; ++i) {
            EXPECT_TRUE(consumer.holds(tags.at(static_cast<std::size_t>(i))));
            consumer.ack(tags.at(static_cast<std::size_t>(i)));
        }
        must(co_await consumer.close(soon()));
        // Two were held to the end, four were never handed out.
        co_await until_messages_in(queue, 6);
    });
}

TEST_F(ConsumerTest, GoesOnAfterAPause) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        auto& consumer = consume(group, consumer_of(queue));
        must(co_await consumer.pause(soon()));
        co_await fill(queue, 1);
        co_await until_messages_in(queue, 1);
        must(co_await consumer.resume(soon()));
        auto delivery = must(co_await consumer.next());
        EXPECT_EQ(delivery.message.body, "0");
        consumer.ack(delivery.tag);
        must(co_await consumer.close(soon()));
        co_await until_messages_in(queue, 0);
    });
}

TEST_F(ConsumerTest, SettlesATagOnlyOnce) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        co_await fill(queue, 2);
        auto& consumer = consume(group, consumer_of(queue, 1));
        const auto first = must(co_await consumer.next());
        consumer.ack(first.tag);
        consumer.ack(first.tag);  // The broker would close the channel.
        consumer.reject(first.tag, Requeue::yes);
        const auto second = must(co_await consumer.next());
        EXPECT_EQ(second.tag.generation, first.tag.generation);
        EXPECT_FALSE(second.redelivered);
    });
}

TEST_F(ConsumerTest, CountsARejectedDelivery) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        co_await fill(queue, 1);
        auto& consumer = consume(group, consumer_of(queue));
        const auto first = must(co_await consumer.next());
        EXPECT_EQ(first.delivery_count(), 0U);
        consumer.reject(first.tag, Requeue::yes);
        const auto second = must(co_await consumer.next());
        EXPECT_TRUE(second.redelivered);
        EXPECT_EQ(second.delivery_count(), 1U);
    });
}

TEST_F(ConsumerTest, SkipsABodyOverTheBoundAndDeadLettersItWhole) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto dead_letters = co_await new_queue();
        FieldTable arguments;
        arguments.set("x-dead-letter-exchange", "");
        arguments.set("x-dead-letter-routing-key", dead_letters);
        const auto queue = co_await new_queue(arguments);

        auto& publisher = publish(group);
        Message large;
        large.body = std::string(300'000, 'x');  // Three frames.
        large.type = "prewarm.v1.MediaUploaded";
        must(co_await publisher.publish("", queue, large, Mandatory::yes, soon()));
        Message small;
        small.body = "fits";
        must(co_await publisher.publish("", queue, small, Mandatory::yes, soon()));

        auto options = consumer_of(queue);
        options.largest_body_bytes = 299'999;
        auto& consumer = consume(group, options);
        auto first = must(co_await consumer.next());
        EXPECT_TRUE(first.oversized);
        EXPECT_EQ(first.message.body, "");
        EXPECT_EQ(first.body_bytes, 300'000U);
        EXPECT_EQ(first.message.type, "prewarm.v1.MediaUploaded");
        consumer.reject(first.tag, Requeue::no);
        auto second = must(co_await consumer.next());
        EXPECT_FALSE(second.oversized);
        EXPECT_EQ(second.message.body, "fits");
        consumer.ack(second.tag);

        auto dead_options = consumer_of(dead_letters);
        dead_options.largest_body_bytes = 300'000;
        auto& dead_consumer = consume(group, dead_options);
        auto dead = must(co_await dead_consumer.next());
        EXPECT_EQ(dead.message.body, large.body);
        dead_consumer.ack(dead.tag);
        must(co_await dead_consumer.close(soon()));
        must(co_await consumer.close(soon()));
    });
}

TEST_F(ConsumerTest, ReportsAConsumerThatTheBrokerEndsAndConsumesAgain) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        co_await fill(queue, 1);
        auto& consumer = consume(group, consumer_of(queue));
        (void)must(co_await consumer.next());

        auto connection = must(co_await connect());
        auto channel = must(co_await connection->open_channel(soon()));
        must(co_await channel->delete_queue(queue, soon()));
        const auto ended = co_await consumer.next();
        EXPECT_FALSE(ended);
        EXPECT_EQ(ended.error().kind, FailureKind::unavailable);
        EXPECT_THAT(ended.error().detail, testing::HasSubstr("cancelled the consumer"));
        EXPECT_EQ(consumer.status().state, LinkState::connecting);

        QueueSpec again{.name = queue};
        again.arguments.set("x-queue-type", "quorum");
        must(co_await channel->declare_queue(again, soon()));
        co_await fill(queue, 1);
        auto next = co_await consumer.next();
        while (!next)
            next = co_await consumer.next();
        EXPECT_EQ(next->message.body, "0");
        EXPECT_EQ(consumer.status().state, LinkState::ready);
    });
}

}  // namespace
}  // namespace prewarm::amqp
