#include "common/amqp/broker_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::amqp {
namespace {

std::vector<BrokerAddress> parse(const std::string& urls) {
    auto parsed = parse_broker_urls(Secret{urls});
    if (!parsed) {
        ADD_FAILURE() << urls << ": " << parsed.error().detail;
        return {BrokerAddress{}};
    }
    return *parsed;
}

TEST(BrokerUrl, ReadsEveryPart) {
    const auto address = parse("amqp://user:secret@broker.example:5673/media").front();
    EXPECT_FALSE(address.tls);
    EXPECT_EQ(address.host, "broker.example");
    EXPECT_EQ(address.port, 5673);
    EXPECT_EQ(address.user, "user");
    EXPECT_EQ(address.password, Secret{"secret"});
    EXPECT_EQ(address.vhost, "media");
    EXPECT_EQ(address.shown(), "broker.example:5673");
}

TEST(BrokerUrl, HasDefaults) {
    const auto address = parse("amqp://localhost").front();
    EXPECT_EQ(address.port, 5672);
    EXPECT_EQ(address.user, "guest");
    EXPECT_EQ(address.password, Secret{"guest"});
    EXPECT_EQ(address.vhost, "/");
    const auto with_tls = parse("amqps://localhost").front();
    EXPECT_TRUE(with_tls.tls);
    EXPECT_EQ(with_tls.port, 5671);
    EXPECT_EQ(parse("amqp://user@localhost").front().password, Secret{""});
}

TEST(BrokerUrl, TakesAnEmptyVhostForTheRoot) {
    EXPECT_EQ(parse("amqp://guest:guest@127.0.0.1:5672/").front().vhost, "/");
    EXPECT_EQ(parse("amqp://h/%2F").front().vhost, "/");
    EXPECT_EQ(parse("amqp://h/a%2fb%20c").front().vhost, "a/b c");
}

TEST(BrokerUrl, DecodesUserAndPassword) {
    const auto address = parse("amqp://a%40b:p%3A%2F%2C%25w@h/").front();
    EXPECT_EQ(address.user, "a@b");
    EXPECT_EQ(address.password, Secret{"p:/,%w"});
}

TEST(BrokerUrl, ReadsAnIpv6Address) {
    const auto address = parse("amqp://[::1]:5673/").front();
    EXPECT_EQ(address.host, "::1");
    EXPECT_EQ(address.shown(), "[::1]:5673");
}

TEST(BrokerUrl, ReadsAList) {
    const auto addresses = parse(" amqp://a , amqps://b:1/v,amqp://u:p,w@c/ ,");
    ASSERT_EQ(addresses.size(), 3U);
    EXPECT_EQ(addresses[0].shown(), "a:5672");
    EXPECT_EQ(addresses[1].shown(), "b:1");
    EXPECT_EQ(addresses[2].shown(), "c:5672");
    EXPECT_EQ(addresses[2].password, Secret{"p,w"});
}

class WrongBrokerUrl : public testing::TestWithParam<std::string> {};

TEST_P(WrongBrokerUrl, IsRefusedWithoutShowingThePassword) {
    const auto parsed = parse_broker_urls(Secret{GetParam()});
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().kind, FailureKind::misconfigured);
    EXPECT_THAT(parsed.error().detail, testing::Not(testing::HasSubstr("hunter2")));
    EXPECT_THAT(parsed.error().detail, testing::HasSubstr("amqp://user:password@host:5672/vhost"));
}

INSTANTIATE_TEST_SUITE_P(All, WrongBrokerUrl,
                         testing::Values("", "  ", "localhost:5672", "http://u:hunter2@h/",
                                         "amqp://u:hunter2@/v", "amqp://u:hunter2@h:99999/",
                                         "amqp://u:hunter2@h:0/", "amqp://u:hunter2@h:x/",
                                         "amqp://u:hunter2@h/v?heartbeat=5",
                                         "amqp://u:hunter2@h/v#x", "amqp://u:hunter2@h/a/b",
                                         "amqp://u:hunter2@a,b/", "amqp://u:hunter2%@h/",
                                         "amqp://a,amqp://u:hunter2@h:x/", "amqp://u:hunter2 @h/"));

}  // namespace
}  // namespace prewarm::amqp
