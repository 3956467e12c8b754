#include "consumer/management_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ManagementAddress parsed(std::string url) {
    return parse_management_url(Secret{std::move(url)}).value().value();
}

TEST(ManagementUrl, IsTakenApart) {
    const auto address = parsed("http://Aladdin:open%20sesame@host:15672");
    EXPECT_EQ(address.base_url, "http://host:15672");
    // The example of RFC 7617.
    EXPECT_EQ(address.authorization.reveal(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

TEST(ManagementUrl, KeepsThePathOfAProxy) {
    EXPECT_EQ(parsed("https://u:p@host/rabbit/").base_url, "https://host/rabbit");
    EXPECT_EQ(parsed("http://u:p@[::1]:15672/").base_url, "http://[::1]:15672");
}

TEST(ManagementUrl, MayBeMissing) {
    EXPECT_FALSE(parse_management_url(Secret{}).value());
}

TEST(ManagementUrl, IsRefusedWithoutBeingShown) {
    for (const auto* url :
         {"amqp://u:hunter2@host", "http://host:15672", "http://u@host", "http://:hunter2@host",
          "http://u:hunter2@", "http://u:hunter2@host:99999", "http://u:hunter2@host/?x=1",
          "http://u:hunter2@host/#x", "u:hunter2@host", "http://u:hunter2 @host"}) {
        const auto refused = parse_management_url(Secret{url});
        ASSERT_FALSE(refused) << url;
        EXPECT_EQ(refused.error().kind, FailureKind::misconfigured) << url;
        EXPECT_THAT(refused.error().detail,
                    AllOf(HasSubstr("http://user:password@host:15672"), Not(HasSubstr("hunter2"))))
            << url;
    }
}

}  // namespace
}  // namespace prewarm
