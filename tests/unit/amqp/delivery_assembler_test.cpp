#include "common/amqp/delivery_assembler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/amqp/codec.hpp"
#include "tests/unit/amqp/wire.hpp"

namespace prewarm::amqp {
namespace {

using namespace wire;

class DeliveryAssemblerTest : public testing::Test {
protected:
    DeliveryAssemblerTest() {
        const auto first = tune();
        auto bytes = bytes_of(first);
        EXPECT_TRUE(decoder.decode(bytes));
    }

    /// What the assembler makes of the last of these frames; a failure of an earlier one ends it.
    Result<std::optional<Content>> feed(const std::string& frames) {
        Result<std::optional<Content>> content;
        auto bytes = bytes_of(frames);
        for (;;) {
            const auto frame = decoder.decode(bytes);
            if (!frame) return frame.error();
            if (!*frame) return content;
            content = assembler.take(**frame);
            if (!content) return content;
        }
    }

    Decoder decoder;
    DeliveryAssembler assembler{5};
};

TEST_F(DeliveryAssemblerTest, PutsABodyTogether) {
    EXPECT_EQ(*feed(deliver(1, 7)), std::nullopt);
    EXPECT_TRUE(assembler.assembling());
    EXPECT_EQ(*feed(header(1, 5) + body(1, "he")), std::nullopt);
    const auto content = feed(body(1, "llo"));
    ASSERT_TRUE(content && *content);
    const auto& delivery = std::get<Delivery>(**content);
    EXPECT_EQ(delivery.message.body, "hello");
    EXPECT_EQ(delivery.tag.number, 7U);
    EXPECT_EQ(delivery.exchange, "exchange");
    EXPECT_EQ(delivery.routing_key, "key");
    EXPECT_TRUE(delivery.redelivered);
    EXPECT_FALSE(delivery.oversized);
    EXPECT_EQ(delivery.body_bytes, 5U);
    EXPECT_FALSE(assembler.assembling());
}

TEST_F(DeliveryAssemblerTest, EndsAtTheHeaderWithoutABody) {
    const auto content = feed(deliver(1, 7) + header(1, 0));
    ASSERT_TRUE(content && *content);
    EXPECT_EQ(std::get<Delivery>(**content).message.body, "");
}

TEST_F(DeliveryAssemblerTest, SkipsABodyOverTheBound) {
    const auto content = feed(deliver(1, 7) + header(1, 6) + body(1, "toolon"));
    ASSERT_TRUE(content && *content);
    const auto& delivery = std::get<Delivery>(**content);
    EXPECT_TRUE(delivery.oversized);
    EXPECT_EQ(delivery.message.body, "");
    EXPECT_EQ(delivery.body_bytes, 6U);
    const auto next = feed(deliver(1, 8) + header(1, 2) + body(1, "ok"));
    EXPECT_EQ(std::get<Delivery>(**next).message.body, "ok");
}

TEST_F(DeliveryAssemblerTest, DoesNotReserveWhatTheHeaderOnlyClaims) {
    EXPECT_EQ(*feed(deliver(1, 7) + header(1, ~std::uint64_t{0}) + body(1, "x")), std::nullopt);
}

TEST_F(DeliveryAssemblerTest, GivesReturnsWithoutTheirBody) {
    const auto returned = method(
        1, 60, 50, number(312, 2) + short_text("NO_ROUTE") + short_text("e") + short_text("k"));
    const auto content =
        feed(returned + header(1, 9, number(1 << 7, 2) + short_text("id")) + body(1, "123456789"));
    ASSERT_TRUE(content && *content);
    const auto& message = std::get<Returned>(**content);
    EXPECT_EQ(message.reason, "312 NO_ROUTE");
    EXPECT_EQ(message.exchange, "e");
    EXPECT_EQ(message.routing_key, "k");
    EXPECT_EQ(message.message_id, "id");
}

TEST_F(DeliveryAssemblerTest, TellsAnAnswerToGetFromADelivery) {
    const auto got = method(
        1, 60, 71, number(3, 8) + number(0, 1) + short_text("e") + short_text("k") + number(10, 4));
    const auto content = feed(got + header(1, 2) + body(1, "hi"));
    ASSERT_TRUE(content && *content);
    EXPECT_EQ(std::get<Got>(**content).delivery.message.body, "hi");
}

struct Disorder {
    const char* name;
    std::string frames;
};

class Disorders : public DeliveryAssemblerTest, public testing::WithParamInterface<Disorder> {};

TEST_P(Disorders, EndInAFailure) {
    const auto content = feed(GetParam().frames);
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().kind, FailureKind::unavailable);
}

INSTANTIATE_TEST_SUITE_P(
    Frames, Disorders,
    testing::Values(Disorder{"HeaderFirst", header(1, 1)}, Disorder{"BodyFirst", body(1, "x")},
                    Disorder{"BodyWithoutHeader", deliver(1, 1) + body(1, "x")},
                    Disorder{"TwoHeaders", deliver(1, 1) + header(1, 1) + header(1, 1)},
                    Disorder{"MethodInside", deliver(1, 1) + header(1, 1) + deliver(1, 2)},
                    Disorder{"BodyTooLong", deliver(1, 1) + header(1, 1) + body(1, "xy")},
                    Disorder{"MethodWithoutContent", method(1, 60, 80, std::string(9, '\0'))},
                    Disorder{"Heartbeat", frame(8, 1, "")}),
    [](const auto& param) { return std::string{param.param.name}; });

}  // namespace
}  // namespace prewarm::amqp
