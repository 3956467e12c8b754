#include "common/topology/topology.hpp"

#include "tests/integration/amqp/broker_test.hpp"
#include "tests/integration/topology/remove_topology.hpp"

namespace prewarm::topology {
namespace {

using amqp::must;
using testing::HasSubstr;

class TopologyTest : public amqp::BrokerTest {
protected:
    void TearDown() override {
        run([&](TaskGroup&) -> asio::awaitable<void> {
            auto connection = must(co_await connect());
            must(co_await remove(*connection, names, soon()));
            must(co_await connection->close(soon()));
        });
        BrokerTest::TearDown();
    }

    Names names{test::random_name() + "."};
};

TEST_F(TopologyTest, IsMadeOnceAndFoundAgain) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto connection = must(co_await connect());
        must(co_await declare(*connection, names, soon()));
        must(co_await declare(*connection, names, soon()));
        must(co_await connection->close(soon()));
    });
}

TEST_F(TopologyTest, RoutesUploadsAndTheirDeadLettersWhichKeepTheirHeaders) {
    run([&](TaskGroup& group) -> asio::awaitable<void> {
        auto connection = must(co_await connect());
        must(co_await declare(*connection, names, soon()));
        auto& publisher = publish(group);
        amqp::Message event;
        event.body = "event";
        event.type = "prewarm.v1.MediaUploaded";
        event.message_id = "id-1";
        event.priority = std::uint8_t{7};
        event.headers.set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        event.headers.set("retries", std::uint16_t{3});
        must(co_await publisher.publish(names.upload_exchange, names.upload_key, event,
                                        amqp::Mandatory::yes, soon()));

        auto& uploads = consume(group, consumer_of(names.upload_queue));
        auto upload = must(co_await uploads.next());
        EXPECT_EQ(upload.exchange, names.upload_exchange);
        EXPECT_EQ(upload.message, event);
        uploads.reject(upload.tag, amqp::Requeue::no);

        auto& dead_letters = consume(group, consumer_of(names.dead_letter_queue));
        auto dead = must(co_await dead_letters.next());
        EXPECT_EQ(dead.exchange, names.dead_letter_exchange);
        EXPECT_EQ(dead.message.body, "event");
        EXPECT_EQ(dead.message.headers.text("traceparent"), event.headers.text("traceparent"));
        const auto* death = dead.message.headers.find("x-death");
        EXPECT_TRUE(death != nullptr);
        const auto& first =
            std::get<amqp::FieldTable>(std::get<amqp::FieldArray>(death->kind).at(0).kind);
        EXPECT_EQ(first.text("reason"), "rejected");
        EXPECT_EQ(first.text("queue"), names.upload_queue);
        EXPECT_TRUE(std::holds_alternative<amqp::Timestamp>(first.find("time")->kind));

        // Published again as it is, with one header more: nothing of it changes.
        auto again = dead.message;
        again.headers.set("x-prewarm-reason", "OBJECT_MISSING");
        const auto queue = co_await new_queue();
        must(co_await publisher.publish("", queue, again, amqp::Mandatory::yes, soon()));
        auto& copies = consume(group, consumer_of(queue));
        auto copy = must(co_await copies.next());
        EXPECT_EQ(copy.message, again);
        copies.ack(copy.tag);
        dead_letters.ack(dead.tag);
        must(co_await dead_letters.close(soon()));
        must(co_await connection->close(soon()));
    });
}

TEST_F(TopologyTest, NamesBothSidesWhenAQueueIsThereWithOtherArguments) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto connection = must(co_await connect());
        must(co_await declare(*connection, names, soon()));
        auto channel = must(co_await connection->open_channel(soon()));
        must(co_await channel->delete_queue(names.upload_queue, soon()));
        amqp::QueueSpec other{.name = names.upload_queue};
        other.arguments.set("x-queue-type", "quorum");
        other.arguments.set("x-delivery-limit", 20);
        must(co_await channel->declare_queue(other, soon()));

        const auto refused = co_await declare(*connection, names, soon());
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(refused.error().detail, HasSubstr("the queue '" + names.upload_queue + "'"));
        EXPECT_THAT(refused.error().detail, HasSubstr("received"));
        EXPECT_THAT(refused.error().detail, HasSubstr("current is"));
        EXPECT_THAT(refused.error().detail, HasSubstr("RABBITMQ_PREFIX"));
        EXPECT_TRUE(connection->is_open());

        // What is there was left as it was.
        must(co_await (must(co_await connection->open_channel(soon())))
                 ->declare_queue(other, soon()));
        must(co_await connection->close(soon()));
    });
}

TEST_F(TopologyTest, NamesAnExchangeOfAnotherType) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto connection = must(co_await connect());
        auto channel = must(co_await connection->open_channel(soon()));
        must(co_await channel->declare_exchange({.name = names.media_exchange, .type = "fanout"},
                                                soon()));
        const auto refused = co_await declare(*connection, names, soon());
        EXPECT_EQ(refused.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(refused.error().detail,
                    HasSubstr("the exchange '" + names.media_exchange + "'"));
        EXPECT_THAT(refused.error().detail, HasSubstr("topic"));
        EXPECT_THAT(refused.error().detail, HasSubstr("fanout"));
        must(co_await connection->close(soon()));
    });
}

}  // namespace
}  // namespace prewarm::topology
