#include "producer/dead_letters/dead_letter.hpp"

#include <gtest/gtest.h>

#include "tests/unit/producer/letters.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

constexpr std::uint64_t long_ago = 1'600'000'000;
constexpr std::uint64_t far_ahead = 1'900'000'000;

DeadLetter read(const amqp::Message& message) {
    return read_dead_letter(delivery_of(message));
}

TEST(ReadDeadLetter, TellsWhatTheServiceNoted) {
    const auto message = dead(event_message());
    const auto letter = read(message);
    EXPECT_EQ(letter.reason, "OBJECT_MISSING");
    EXPECT_EQ(letter.detail, "transfer: GET media/a.jpg: HTTP 404 NoSuchKey");
    ASSERT_TRUE(letter.died_at);
    EXPECT_EQ(letter.died_at->time_since_epoch(), 1'795'258'212'123ms);
    EXPECT_EQ(letter.attempts, 2);
    EXPECT_EQ(letter.replays, 3);
    EXPECT_EQ(letter.message_bytes, message.body.size());
    EXPECT_EQ(letter.event_id, "event-1");
    EXPECT_EQ(letter.message_id, "event-1");
    EXPECT_EQ(letter.bot_slug, "shop");
    EXPECT_EQ(letter.kind, "photo");
    EXPECT_EQ(letter.sha256, sha256_of("event-1").hex());
    EXPECT_EQ(letter.media_bytes, 45'000U);
    EXPECT_FALSE(letter.oversized);
}

TEST(ReadDeadLetter, TellsWhatTheBrokerNoted) {
    const auto letter = read(dead_by_broker(event_message(), "delivery_limit", long_ago));
    EXPECT_EQ(letter.reason, "delivery_limit");
    EXPECT_EQ(letter.detail, "dead-lettered by RabbitMQ from the queue prewarm");
    EXPECT_EQ(letter.died_at, system_clock::time_point{1'600'000'000s});
    EXPECT_EQ(letter.bot_slug, "shop");
}

TEST(ReadDeadLetter, TellsTheLastOfTwoDeaths) {
    EXPECT_EQ(read(dead(dead_by_broker(event_message(), "expired", long_ago))).reason,
              "OBJECT_MISSING");
    EXPECT_EQ(read(dead(dead_by_broker(event_message(), "expired", far_ahead))).reason, "expired");
}

TEST(ReadDeadLetter, TakesAMessageThatNobodyExplained) {
    amqp::Message message;
    message.body = "\x00\xff nobody's";
    message.timestamp = std::chrono::sys_seconds{1'600'000'000s};
    message.headers.set("x-death", "not a list");
    message.headers.set("x-prewarm-attempts", "not a number");
    const auto letter = read(message);
    EXPECT_EQ(letter.reason, "UNKNOWN");
    EXPECT_EQ(letter.died_at, system_clock::time_point{1'600'000'000s});
    EXPECT_EQ(letter.event_id, "");
    EXPECT_EQ(letter.kind, "");
    EXPECT_EQ(letter.id.size(), 16U);
}

TEST(ReadDeadLetter, TakesAnyDeathsOfABroker) {
    for (auto deaths : {amqp::FieldArray{}, amqp::FieldArray{amqp::FieldValue{"text"}},
                        amqp::FieldArray{amqp::FieldValue{amqp::FieldTable{}}}}) {
        auto message = event_message();
        message.headers.set("x-death", std::move(deaths));
        EXPECT_EQ(read(message).reason, "UNKNOWN");
    }
    EXPECT_TRUE(read(dead_by_broker(event_message(), "expired", UINT64_MAX)).died_at);
}

TEST(ReadDeadLetter, TellsWhatCanBeReadOfAnEventThatIsNotValid) {
    auto upload = sample_upload();
    upload.r2_key = "";
    const auto letter = read(dead(event_message(upload), "INVALID_EVENT"));
    EXPECT_EQ(letter.event_id, "event-1");
    EXPECT_EQ(letter.bot_slug, "shop");
    EXPECT_EQ(letter.kind, "photo");
}

TEST(ReadDeadLetter, SaysThatABodyWasTooLargeToBeRead) {
    amqp::Delivery delivery;
    delivery.oversized = true;
    delivery.body_bytes = 99'000'000;
    const auto letter = read_dead_letter(delivery);
    EXPECT_TRUE(letter.oversized);
    EXPECT_EQ(letter.message_bytes, 99'000'000U);
    EXPECT_EQ(letter.reason, "UNKNOWN");
    EXPECT_NE(letter.detail.find("too large"), std::string::npos);
}

TEST(DeadLetterId, StaysWhenTheLetterIsLookedAt) {
    const auto message = dead(event_message());
    auto looked_at = message;
    looked_at.headers.set("x-delivery-count", std::int64_t{7});
    EXPECT_EQ(read(message).id, read(looked_at).id);
    EXPECT_EQ(read(looked_at).handed_out, 7U);
}

TEST(DeadLetterId, IsAnotherOneForAnotherLetter) {
    const auto message = dead(event_message());
    const auto id = read(message).id;
    EXPECT_NE(read(dead(event_message(sample_upload("event-2")))).id, id);
    EXPECT_NE(read(dead(event_message(), "TOO_LARGE")).id, id);
    EXPECT_NE(read(dead(event_message(), "OBJECT_MISSING", "2026-11-21T10:50:12.124Z")).id, id);
    auto without_id = message;
    without_id.message_id.clear();
    EXPECT_NE(read(without_id).id, id);
    auto died_again = to_replay(message);
    died_again = dead_by_broker(died_again, "rejected", far_ahead);
    EXPECT_NE(read(died_again).id, id);
}

TEST(ToReplay, KeepsTheMessageAndDropsWhatWasNotedWhenItDied) {
    auto message = dead_by_broker(dead(event_message()), "rejected", long_ago);
    message.headers.set("x-delivery-count", std::int64_t{7});
    message.headers.set("traceparent", "00-abc");
    message.priority = 9;
    message.persistent = false;
    const auto again = to_replay(message);

    amqp::FieldTable headers;
    headers.set("x-prewarm-first-seen", "2026-11-20T00:00:00.000Z");
    headers.set("traceparent", "00-abc");
    headers.set("x-prewarm-replays", std::int64_t{4});
    EXPECT_EQ(again.headers, headers);
    EXPECT_TRUE(again.persistent);
    EXPECT_EQ(again.body, message.body);
    EXPECT_EQ(again.content_type, message.content_type);
    EXPECT_EQ(again.type, message.type);
    EXPECT_EQ(again.message_id, message.message_id);
    EXPECT_EQ(again.priority, message.priority);
}

TEST(ToReplay, CountsFromOneWhenNothingWasCounted) {
    EXPECT_EQ(to_replay(event_message()).headers.integer("x-prewarm-replays"), 1);
}

}  // namespace
}  // namespace prewarm::producer
