#include "common/amqp/publisher.hpp"

#include "tests/integration/amqp/broker_test.hpp"

namespace prewarm::amqp {
namespace {

class PublisherTest : public BrokerTest {
protected:
    static Message with_body(std::string body) {
        Message message;
        message.body = std::move(body);
        return message;
    }
};

TEST_F(PublisherTest, KnowsWhenNoQueueIsBound) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        auto& publisher = publish(group);

        std::vector<Result<>> results(20);
        const auto publish_one = [&](std::size_t i) -> asio::awaitable<void> {
            const auto key = i % 2 == 0 ? queue : queue + "-nowhere";
            results[i] =
                co_await publisher.publish("", key, with_body("x"), Mandatory::yes, soon());
        };
        TaskGroup publishes{loop.get_executor()};
        for (std::size_t i = 0; i < results.size(); ++i)
            publishes.spawn(publish_one(i));
        EXPECT_TRUE(co_await publishes.join(soon()));

        for (std::size_t i = 0; i < results.size(); ++i) {
            if (i % 2 == 0) {
                EXPECT_TRUE(results[i]);
            } else {
                EXPECT_EQ(results[i].error().kind, FailureKind::refused);
                EXPECT_THAT(results[i].error().detail, testing::HasSubstr("unroutable"));
            }
        }
        must(co_await publisher.publish("", queue + "-nowhere", with_body("x"), Mandatory::no,
                                        soon()));
        must(co_await publisher.close(soon()));
        co_await until_messages_in(queue, 10);
    });
}

TEST_F(PublisherTest, ReportsWhatTheQueueDoesNotTake) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        FieldTable arguments;
        arguments.set("x-queue-type", "classic");
        arguments.set("x-max-length", 1);
        arguments.set("x-overflow", "reject-publish");
        const auto queue = co_await new_queue(arguments);
        auto& publisher = publish(group);
        must(co_await publisher.publish("", queue, with_body("1"), Mandatory::yes, soon()));
        const auto full =
            co_await publisher.publish("", queue, with_body("2"), Mandatory::yes, soon());
        EXPECT_FALSE(full);
        EXPECT_EQ(full.error().kind, FailureKind::transient);
    });
}

TEST_F(PublisherTest, SurvivesAnExchangeThatIsMissing) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        auto& publisher = publish(group);
        const auto missing = co_await publisher.publish(queue + "-exchange", "key", with_body("x"),
                                                        Mandatory::yes, soon());
        EXPECT_FALSE(missing);
        EXPECT_EQ(missing.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(missing.error().detail, testing::HasSubstr("no exchange"));
        must(co_await publisher.publish("", queue, with_body("y"), Mandatory::yes, soon()));
        must(co_await publisher.close(soon()));
        co_await until_messages_in(queue, 1);
    });
}

TEST_F(PublisherTest, RefusesPropertiesThatDoNotFitAndGoesOn) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        auto& publisher = publish(group);
        Message message;
        message.headers.set("long", std::string(140'000, 'x'));
        const auto large = co_await publisher.publish("", queue, message, Mandatory::yes, soon());
        EXPECT_EQ(large.error().kind, FailureKind::too_large);
        message.headers = {};
        message.message_id = std::string(256, 'x');
        const auto id = co_await publisher.publish("", queue, message, Mandatory::yes, soon());
        EXPECT_EQ(id.error().kind, FailureKind::refused);
        const auto key =
            co_await publisher.publish("", std::string(256, 'k'), {}, Mandatory::yes, soon());
        EXPECT_EQ(key.error().kind, FailureKind::refused);
        must(co_await publisher.publish("", queue, with_body("fits"), Mandatory::yes, soon()));
    });
}

TEST_F(PublisherTest, SendsABodyOfManyFramesAndOfNone) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        auto& publisher = publish(group);
        std::string body;
        for (int i = 0; body.size() < 3 * 1024 * 1024; ++i)
            body += std::to_string(i);
        must(co_await publisher.publish("", queue, with_body(body), Mandatory::yes, soon()));
        must(co_await publisher.publish("", queue, with_body(""), Mandatory::yes, soon()));

        auto connection = must(co_await connect());
        auto channel = must(co_await connection->open_channel(soon()));
        channel->keep_bodies_to(body.size());
        const auto first = must(co_await channel->get(queue, soon()));
        EXPECT_TRUE(first && first->message.body == body);
        const auto second = must(co_await channel->get(queue, soon()));
        EXPECT_TRUE(second && second->message.body.empty());
        EXPECT_FALSE(must(co_await channel->get(queue, soon())));
    });
}

TEST_F(PublisherTest, GivesUpAtTheDeadlineWithoutABroker) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        auto options = link_options();
        options.connection.brokers.front().port = 1;
        auto& publisher = publish(group, options);
        const auto late =
            co_await publisher.publish("", "any", {}, Mandatory::yes, deadline_in(50ms));
        EXPECT_FALSE(late);
        EXPECT_EQ(late.error().kind, FailureKind::unavailable);
        EXPECT_THAT(late.error().detail, testing::HasSubstr("could not be sent"));
        EXPECT_EQ(publisher.status().state, LinkState::connecting);
        must(co_await publisher.close(soon()));
        const auto closed = co_await publisher.publish("", "any", {}, Mandatory::yes, soon());
        EXPECT_EQ(closed.error().kind, FailureKind::unavailable);
    });
}

}  // namespace
}  // namespace prewarm::amqp
