#include "common/amqp/properties.hpp"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/amqp/codec.hpp"
#include "common/amqp/delivery_assembler.hpp"
#include "tests/unit/amqp/wire.hpp"

namespace prewarm::amqp {
namespace {

/// What a consumer gets of `message`: through the wire and back.
Delivery round_trip(const Message& message) {
    std::string out = wire::tune() + wire::deliver(1, 1);
    std::string published;
    amqp_basic_publish_t publish{};
    Encoder encoder{131072};
    EXPECT_TRUE(encoder.append_publish(published, 1, publish, message));
    const auto method_size = wire::method(1, 60, 40, std::string(5, '\0')).size();
    out += published.substr(method_size);

    Decoder decoder;
    DeliveryAssembler assembler{1000};
    auto bytes = wire::bytes_of(out);
    EXPECT_TRUE(decoder.decode(bytes));
    EXPECT_TRUE(decoder.accept_frames_to(131072));
    for (;;) {
        const auto frame = decoder.decode(bytes);
        if (!frame || !*frame) break;
        auto content = assembler.take(**frame);
        if (content && *content) return std::get<Delivery>(**content);
    }
    ADD_FAILURE() << "no delivery";
    return {};
}

FieldTable every_kind() {
    FieldTable inner;
    inner.set("reason", "delivery_limit");
    inner.set("time", Timestamp{1'700'000'000});
    FieldTable table;
    table.set("void", FieldValue{});
    table.set("bool", true);
    table.set("int8", std::numeric_limits<std::int8_t>::min());
    table.set("uint8", std::numeric_limits<std::uint8_t>::max());
    table.set("int16", std::numeric_limits<std::int16_t>::min());
    table.set("uint16", std::numeric_limits<std::uint16_t>::max());
    table.set("int32", std::numeric_limits<std::int32_t>::min());
    table.set("uint32", std::numeric_limits<std::uint32_t>::max());
    table.set("int64", std::numeric_limits<std::int64_t>::min());
    table.set("uint64", std::numeric_limits<std::uint64_t>::max());
    table.set("float", 0.5F);
    table.set("double", -2.25);
    table.set("decimal", Decimal{2, 314});
    table.set("text", "caf\xc3\xa9");
    table.set("empty", "");
    table.set("bytes", ByteArray{std::string("\0\xff", 2)});
    table.set("array", FieldArray{FieldValue{1}, FieldValue{"two"}, FieldValue{inner}});
    table.set("nested", inner);
    table.set("no entries", FieldTable{});
    table.set("no elements", FieldArray{});
    return table;
}

TEST(Properties, KeepsEveryKindOfHeader) {
    Message message;
    message.headers = every_kind();
    const auto delivery = round_trip(message);
    EXPECT_FALSE(delivery.oversized);
    EXPECT_EQ(delivery.message.headers, every_kind());
}

TEST(Properties, KeepsEveryProperty) {
    Message message;
    message.body = "body";
    message.content_type = "application/json";
    message.content_encoding = "identity";
    message.type = "prewarm.v1.MediaUploaded";
    message.message_id = "id";
    message.correlation_id = "correlation";
    message.reply_to = "reply";
    message.app_id = "app";
    message.timestamp = std::chrono::sys_seconds{std::chrono::seconds{1'700'000'000}};
    message.priority = 0;
    message.persistent = false;
    EXPECT_EQ(round_trip(message).message, message);
}

TEST(Properties, LeavesUnsetWhatIsNotSet) {
    EXPECT_EQ(round_trip({}).message, Message{});
}

TEST(Properties, LeavesBehindWhatMustNotBePublishedAgain) {
    // expiration and user-id
    const auto stream = wire::tune() + wire::deliver(1, 1) +
                        wire::header(1, 0,
                                     wire::number((1U << 8) | (1U << 4), 2) +
                                         wire::short_text("60000") + wire::short_text("guest"));
    Decoder decoder;
    DeliveryAssembler assembler{10};
    auto bytes = wire::bytes_of(stream);
    std::optional<Content> content;
    while (!content) {
        const auto frame = decoder.decode(bytes);
        ASSERT_TRUE(frame && *frame);
        if ((*frame)->channel == 1) content = *assembler.take(**frame);
    }
    Message expected;
    expected.persistent = false;  // No delivery mode is transient.
    EXPECT_EQ(std::get<Delivery>(*content).message, expected);
}

TEST(Properties, DropsMoreHeadersThanAnybodyNeeds) {
    Message message;
    message.type = "kept";
    for (int i = 0; i < 4097; ++i)
        message.headers.fields.push_back({"x", {}});
    const auto delivery = round_trip(message);
    EXPECT_TRUE(delivery.oversized);
    EXPECT_TRUE(delivery.message.headers.empty());
    EXPECT_EQ(delivery.message.type, "kept");

    message.headers.fields.resize(4096);
    EXPECT_EQ(round_trip(message).message.headers.fields.size(), 4096U);
}

TEST(Properties, DropsHeadersThatAreNestedTooDeep) {
    const auto nested = [](int levels) {
        FieldTable table;
        for (int i = 1; i < levels; ++i) {
            FieldTable outer;
            outer.set("in", std::move(table));
            table = std::move(outer);
        }
        Message message;
        message.headers.set("x", std::move(table));
        return message;
    };
    EXPECT_FALSE(round_trip(nested(31)).oversized);
    EXPECT_TRUE(round_trip(nested(32)).oversized);
}

TEST(FieldTable, FindsByNameAndReplaces) {
    FieldTable table;
    table.set("a", 1);
    table.set("b", "text");
    table.set("a", std::uint8_t{7});
    EXPECT_EQ(table.fields.size(), 2U);
    EXPECT_EQ(table.integer("a"), 7);
    EXPECT_EQ(table.text("b"), "text");
    EXPECT_EQ(table.integer("b"), std::nullopt);
    EXPECT_EQ(table.text("c"), std::nullopt);
    table.set("c", std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(table.integer("c"), std::nullopt);
}

TEST(Delivery, CountsEarlierHandOuts) {
    Delivery delivery;
    EXPECT_EQ(delivery.delivery_count(), 0U);
    delivery.message.headers.set("x-delivery-count", std::int32_t{3});
    EXPECT_EQ(delivery.delivery_count(), 3U);
}

}  // namespace
}  // namespace prewarm::amqp
