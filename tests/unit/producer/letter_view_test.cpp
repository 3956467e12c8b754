#include "producer/dead_letters/letter_view.hpp"

#include <sstream>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/producer/letters.hpp"

namespace prewarm::producer {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string printed(const amqp::Message& message) {
    std::ostringstream out;
    print(read_dead_letter(delivery_of(message)), message, out);
    return out.str();
}

boost::json::object json(const amqp::Message& message) {
    return json_of(read_dead_letter(delivery_of(message)), message);
}

TEST(LetterView, ShowsAnEventAsProtobufJson) {
    const auto message = dead(event_message());
    EXPECT_THAT(printed(message),
                AllOf(HasSubstr("x-prewarm-reason: OBJECT_MISSING"), HasSubstr("event\n"),
                      HasSubstr("\"r2Key\": \"a.jpg\""), Not(HasSubstr("body"))));
    const auto object = json(message);
    EXPECT_EQ(object.at("event").at("botSlug").as_string(), "shop");
    EXPECT_EQ(object.at("headers").at("x-prewarm-attempts").as_int64(), 2);
    EXPECT_EQ(object.at("properties").at("type").as_string(), events::upload_type);
    EXPECT_FALSE(object.contains("body_text"));
    EXPECT_FALSE(object.contains("body_hex"));
}

TEST(LetterView, ShowsAnEventWhoseContentTypeIsWrong) {
    auto message = event_message();
    message.content_type = "text/plain";
    EXPECT_THAT(printed(message), AllOf(HasSubstr("event (not valid)"), HasSubstr("\"botSlug\"")));
    EXPECT_TRUE(json(message).contains("body_hex"));
}

TEST(LetterView, ShowsForeignTextLineByLine) {
    amqp::Message message;
    message.body = "first\nsecond \x1b[31m";
    message.body += "\xc3\xa9\n";
    const auto hex = printed(message);  // An escape is no text.
    EXPECT_THAT(hex, AllOf(HasSubstr("66 69 72 73 74 0a"), Not(HasSubstr("\x1b"))));
    message.body = "first\nsecond \xc3\xa9";
    EXPECT_THAT(printed(message), HasSubstr("body (15 bytes)\n  first\n  second \xc3\xa9\n"));
    EXPECT_EQ(json(message).at("body_text").as_string(), message.body);
}

TEST(LetterView, ShowsForeignBytesInHex) {
    amqp::Message message;
    message.body = std::string{"\x00\xff\x10 text", 8};
    EXPECT_THAT(printed(message), HasSubstr("  00000000  00 ff 10 20 74 65 78 74 "));
    EXPECT_EQ(json(message).at("body_hex").as_string(), "00ff102074657874");
    EXPECT_FALSE(json(message).contains("event"));
}

TEST(LetterView, ShowsThatABodyIsEmpty) {
    EXPECT_THAT(printed({}), HasSubstr("body (0 bytes)"));
    EXPECT_EQ(json({}).at("body_text").as_string(), "");
}

TEST(LetterView, CutsALongBodyForPeopleOnly) {
    amqp::Message message;
    message.body = std::string(20'000, 'x');
    EXPECT_THAT(printed(message), HasSubstr("... and 3616 bytes more"));
    EXPECT_EQ(json(message).at("body_text").as_string().size(), 20'000U);
}

TEST(LetterView, ShowsEveryKindOfHeader) {
    auto message = dead_by_broker({}, "expired", 1'700'000'000);
    message.headers.set("bytes", amqp::ByteArray{"\x01\xff"});
    message.headers.set("decimal", amqp::Decimal{2, 314});
    message.headers.set("void", std::monostate{});
    message.headers.set("flag", true);
    message.headers.set("float", 1.5F);
    message.headers.set("far", amqp::Timestamp{UINT64_MAX});
    message.headers.set("evil\x1b", "\x1b[2J\xff");
    const auto headers = boost::json::serialize(json(message).at("headers"));
    EXPECT_THAT(headers,
                AllOf(HasSubstr(R"("time":"2023-11-14T22:13:20Z")"),
                      HasSubstr(R"("bytes":"01ff","decimal":"314e-2","void":null,"flag":true)"),
                      HasSubstr(R"("evil\\x1b":"\\x1b[2J\\xff")")));
    EXPECT_THAT(printed(message), AllOf(HasSubstr("evil\\x1b: \\x1b[2J"), Not(HasSubstr("\x1b"))));
}

TEST(LetterView, SaysThatALetterWasTooLarge) {
    amqp::Delivery delivery;
    delivery.oversized = true;
    delivery.body_bytes = 99'000'000;
    std::ostringstream out;
    const auto letter = read_dead_letter(delivery);
    print(letter, delivery.message, out);
    EXPECT_THAT(out.str(), HasSubstr("the body has 99000000 bytes"));
    EXPECT_TRUE(json_of(letter, delivery.message).at("oversized").as_bool());
}

}  // namespace
}  // namespace prewarm::producer
