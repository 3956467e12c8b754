#include "common/amqp/codec.hpp"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/amqp/delivery_assembler.hpp"
#include "tests/unit/amqp/wire.hpp"

namespace prewarm::amqp {
namespace {

using namespace wire;

constexpr std::size_t frame_max = 4096;

/// The types of the frames in `stream`, fed in pieces of `piece` bytes.
std::vector<int> types_of(const std::string& stream, std::size_t piece) {
    Decoder decoder;
    std::vector<int> types;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        auto bytes = bytes_of(stream).subspan(at, std::min(piece, stream.size() - at));
        for (;;) {
            const auto frame = decoder.decode(bytes);
            if (!frame) return {-1};
            if (!*frame) break;
            types.push_back((*frame)->frame_type);
        }
        EXPECT_TRUE(bytes.empty());
    }
    return types;
}

std::string delivery_stream() {
    return tune() + heartbeat() + deliver(1, 7) + header(1, 5) + body(1, "he") + body(1, "llo") +
           heartbeat();
}

TEST(Decoder, FindsFramesHoweverTheyAreCut) {
    const std::vector<int> expected{1, 8, 1, 2, 3, 3, 8};
    for (std::size_t piece = 1; piece <= delivery_stream().size(); ++piece)
        EXPECT_EQ(types_of(delivery_stream(), piece), expected) << piece;
}

TEST(Decoder, GivesTheFieldsOfAMethod) {
    Decoder decoder;
    const auto stream = tune() + deliver(3, 0x0102030405060708, "a key");
    auto bytes = bytes_of(stream);
    ASSERT_TRUE(decoder.decode(bytes));
    const auto frame = decoder.decode(bytes);
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ((*frame)->channel, 3);
    ASSERT_EQ((*frame)->payload.method.id, AMQP_BASIC_DELIVER_METHOD);
    const auto& fields =
        *static_cast<const amqp_basic_deliver_t*>((*frame)->payload.method.decoded);
    EXPECT_EQ(fields.delivery_tag, 0x0102030405060708U);
    EXPECT_EQ(as_text(fields.routing_key), "a key");
}

TEST(Decoder, RefusesWhatEndsInAnotherByteAndEverythingAfter) {
    auto stream = tune() + heartbeat();
    stream[stream.size() - 1] = 'x';
    stream += heartbeat();
    Decoder decoder;
    auto bytes = bytes_of(stream);
    ASSERT_TRUE(decoder.decode(bytes));
    const auto broken = decoder.decode(bytes);
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().kind, FailureKind::unavailable);
    const auto fine = heartbeat();
    auto more = bytes_of(fine);
    EXPECT_FALSE(decoder.decode(more));
}

TEST(Decoder, RefusesAFrameOverTheLimitAtItsFirstBytes) {
    const auto head = number(3, 1) + number(1, 2) + number(100'000, 4) + "x";
    Decoder decoder;
    const auto first = tune();
    auto bytes = bytes_of(first);
    ASSERT_TRUE(decoder.decode(bytes));
    auto begin = bytes_of(head);
    EXPECT_FALSE(decoder.decode(begin));
}

TEST(Decoder, AcceptsLargerFramesWhenTold) {
    Decoder decoder;
    const auto first = tune();
    auto bytes = bytes_of(first);
    ASSERT_TRUE(decoder.decode(bytes));
    ASSERT_TRUE(decoder.accept_frames_to(131072));
    const auto large = body(1, std::string(131072 - 8, 'x'));
    bytes = bytes_of(large);
    const auto frame = decoder.decode(bytes);
    ASSERT_TRUE(frame && *frame);
    EXPECT_EQ((*frame)->payload.body_fragment.len, 131072U - 8);
    const auto larger = body(1, std::string(131072 - 7, 'x'));
    bytes = bytes_of(larger);
    EXPECT_FALSE(decoder.decode(bytes));
}

TEST(Decoder, DoesNotChangeItsLimitInTheMiddleOfAFrame) {
    Decoder decoder;
    const auto stream = tune();
    auto part = bytes_of(stream).first(5);
    ASSERT_TRUE(decoder.decode(part));
    EXPECT_FALSE(decoder.accept_frames_to(131072));
}

TEST(Decoder, TakesHeadersNestedAsDeepAsAFrameCanHold) {
    std::string nested;
    constexpr std::size_t levels = (131072 - 200) / 5;
    for (std::size_t i = 0; i < levels; ++i)
        nested += "A" + number(5 * (levels - 1 - i), 4);
    const auto table = number(nested.size() + 2, 4) + short_text("x") + nested;
    const auto stream = header(1, 0, number(1 << 13, 2) + table);

    Decoder decoder;
    const auto first = tune();
    auto bytes = bytes_of(first);
    ASSERT_TRUE(decoder.decode(bytes));
    ASSERT_TRUE(decoder.accept_frames_to(131072));
    bytes = bytes_of(stream);
    const auto frame = decoder.decode(bytes);
    ASSERT_TRUE(frame && *frame);

    DeliveryAssembler assembler{100};
    const auto delivered = deliver(1, 1);
    Decoder other;
    bytes = bytes_of(delivered);
    ASSERT_TRUE(assembler.take(**other.decode(bytes)));
    const auto content = assembler.take(**frame);
    ASSERT_TRUE(content && *content);
    EXPECT_TRUE(std::get<Delivery>(**content).oversized);
}

/// Every frame that can be made of `stream`, put together as a channel would; no crash is what is
/// looked for, and that broken frames are told from whole ones.
struct Fed {
    std::size_t contents = 0;
    bool failed = false;
};

Fed feed(const std::string& stream) {
    Fed fed;
    Decoder decoder;
    DeliveryAssembler assembler{1000};
    auto bytes = bytes_of(stream);
    for (;;) {
        const auto frame = decoder.decode(bytes);
        if (!frame) {
            fed.failed = true;
            return fed;
        }
        if (!*frame) return fed;
        const bool content_frame = (*frame)->frame_type == AMQP_FRAME_HEADER ||
                                   (*frame)->frame_type == AMQP_FRAME_BODY ||
                                   DeliveryAssembler::begins_content(**frame);
        if (!content_frame) continue;
        const auto content = assembler.take(**frame);
        if (!content) {
            fed.failed = true;
            return fed;
        }
        if (*content) ++fed.contents;
    }
}

std::string rich_stream() {
    std::string headers = short_text("text") + "S" + long_text("value") + short_text("n") + "l" +
                          number(42, 8) + short_text("array") + "A" + number(6, 4) + "I" +
                          number(1, 4) + "V" + short_text("table") + "F" + number(5, 4) +
                          short_text("in") + "t" + "\1" + short_text("d") + "D" + number(2, 1) +
                          number(314, 4) + short_text("time") + "T" + number(1, 8);
    const auto properties = number((1U << 15) | (1U << 13) | (1U << 7), 2) +
                            short_text("application/x-protobuf") + long_text(headers) +
                            short_text("id-1");
    return tune() + deliver(1, 1) + header(1, 3, properties) + body(1, "abc") +
           method(1, 60, 50,
                  number(312, 2) + short_text("NO_ROUTE") + short_text("e") + short_text("k")) +
           header(1, 0, properties) + heartbeat();
}

TEST(Decoder, SurvivesEveryTruncation) {
    const auto stream = rich_stream();
    ASSERT_EQ(feed(stream).contents, 2U);
    for (std::size_t size = 0; size < stream.size(); ++size) {
        const auto fed = feed(stream.substr(0, size));
        EXPECT_FALSE(fed.failed) << size;
        EXPECT_LE(fed.contents, 2U);
    }
}

TEST(Decoder, SurvivesEveryFlippedBit) {
    const auto stream = rich_stream();
    std::size_t failed = 0;
    for (std::size_t at = 0; at < stream.size(); ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            auto flipped = stream;
            flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
            if (feed(flipped).failed) ++failed;
        }
    }
    EXPECT_GT(failed, stream.size());
}

TEST(Decoder, SurvivesFramesTooShortForTheirKind) {
    for (const int type : {1, 2, 3, 8}) {
        for (std::size_t size = 0; size < 20; ++size)
            feed(tune() + deliver(1, 1) + frame(type, 1, std::string(size, '\0')) + heartbeat());
    }
}

TEST(Encoder, WritesTheProtocolHeaderAndHeartbeats) {
    std::string out;
    Encoder::append_protocol_header(out);
    Encoder::append_heartbeat(out);
    EXPECT_EQ(out, std::string("AMQP\0\0\x9\x1", 8) + heartbeat());
}

TEST(Encoder, WritesAMethod) {
    amqp_basic_ack_t ack{};
    ack.delivery_tag = 0x0102;
    std::string out = "before";
    Encoder encoder{frame_max};
    ASSERT_TRUE(encoder.append_method(out, 9, AMQP_BASIC_ACK_METHOD, &ack));
    EXPECT_EQ(out, "before" + method(9, 60, 80, number(0x0102, 8) + number(0, 1)));
}

TEST(Encoder, WritesAMessageInFramesOfTheAgreedSize) {
    Message message;
    message.body = std::string(frame_max - 8, 'a') + "b";
    message.content_type = "text/plain";
    amqp_basic_publish_t publish{};
    publish.exchange = as_bytes("media");
    publish.routing_key = as_bytes("key");
    publish.mandatory = 1;
    std::string out;
    Encoder encoder{frame_max};
    ASSERT_TRUE(encoder.append_publish(out, 1, publish, message));
    const auto properties =
        number((1U << 15) | (1U << 12), 2) + short_text("text/plain") + number(2, 1);
    EXPECT_EQ(out, method(1, 60, 40,
                          number(0, 2) + short_text("media") + short_text("key") + number(1, 1)) +
                       header(1, frame_max - 7, properties) +
                       body(1, std::string(frame_max - 8, 'a')) + body(1, "b"));
}

TEST(Encoder, AppendsNothingOfWhatDoesNotFit) {
    Encoder encoder{frame_max};
    amqp_basic_publish_t publish{};
    std::string out = "before";

    Message large_headers;
    large_headers.headers.set("x", std::string(frame_max, 'x'));
    EXPECT_EQ(encoder.append_publish(out, 1, publish, large_headers).error().kind,
              FailureKind::too_large);

    Message long_id;
    long_id.message_id = std::string(256, 'x');
    EXPECT_EQ(encoder.append_publish(out, 1, publish, long_id).error().kind, FailureKind::refused);

    Message long_name;
    long_name.headers.set(std::string(256, 'x'), 1);
    EXPECT_EQ(encoder.append_publish(out, 1, publish, long_name).error().kind,
              FailureKind::refused);

    const std::string long_key(256, 'x');
    publish.routing_key = as_bytes(long_key);
    EXPECT_EQ(encoder.append_publish(out, 1, publish, {}).error().kind, FailureKind::refused);
    EXPECT_EQ(out, "before");
}

}  // namespace
}  // namespace prewarm::amqp
