#include "common/redis/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::redis {
namespace {

using testing::HasSubstr;
using testing::Not;

Address read(const std::string& url) {
    return parse_url(Secret{url}).value();
}

TEST(ParseUrl, FillsInTheUsual) {
    const auto address = read("redis://cache.internal");
    EXPECT_FALSE(address.tls);
    EXPECT_EQ(address.host, "cache.internal");
    EXPECT_EQ(address.port, "6379");
    EXPECT_EQ(address.user, "");
    EXPECT_TRUE(address.password.empty());
    EXPECT_EQ(address.database, 0U);
}

TEST(ParseUrl, ReadsEveryPart) {
    const auto address = read("rediss://me:p%40ss%3Aword@10.0.0.7:6380/12");
    EXPECT_TRUE(address.tls);
    EXPECT_EQ(address.host, "10.0.0.7");
    EXPECT_EQ(address.port, "6380");
    EXPECT_EQ(address.user, "me");
    EXPECT_EQ(address.password.reveal(), "p@ss:word");
    EXPECT_EQ(address.database, 12U);
}

TEST(ParseUrl, ReadsAPasswordWithoutAUser) {
    const auto address = read("redis://:secret@localhost/");
    EXPECT_EQ(address.user, "");
    EXPECT_EQ(address.password.reveal(), "secret");
}

TEST(ParseUrl, ReadsAnIpv6Address) {
    EXPECT_EQ(read("redis://[::1]:7000/0").host, "::1");
}

TEST(ParseUrl, RepeatsNothingOfAUrlThatItCannotRead) {
    for (const auto* url :
         {"", "cache:6379", "http://:hunter2@cache", "redis://", "redis://:hunter2@", "redis:///0",
          "redis://:hunter2@cache:99999", "redis://:hunter2@cache:0", "redis://:hunter2@cache/one",
          "redis://:hunter2@cache/1/2", "redis://:hunter2@cache/-1", "redis://hunter2@cache",
          "redis://:hunter2@cache?db=1", "redis://:hunter2@[::1", "redis://cache/99999999999"}) {
        const auto wrong = parse_url(Secret{url});
        ASSERT_FALSE(wrong) << url;
        EXPECT_EQ(wrong.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(wrong.error().detail, Not(HasSubstr("hunter2")));
    }
}

}  // namespace
}  // namespace prewarm::redis
