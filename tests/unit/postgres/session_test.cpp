#include "common/postgres/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::postgres {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string written(const std::string& url) {
    PoolOptions options;
    options.url = Secret{url};
    return connection_string(options).value().reveal();
}

TEST(ConnectionString, FillsInWhatTheUrlLeavesOpen) {
    const auto text = written("postgresql://me:pw@db:5433/media");
    for (const auto* part : {"user='me'", "password='pw'", "host='db'", "port='5433'",
                             "dbname='media'", "application_name='prewarm'", "connect_timeout='3'",
                             "tcp_user_timeout='10000'", "keepalives_idle='30'"}) {
        EXPECT_THAT(text, HasSubstr(part));
    }
}

TEST(ConnectionString, LetsTheUrlHaveItsSay) {
    const auto text = written("postgresql://db/media?connect_timeout=9&application_name=mine");
    EXPECT_THAT(text, HasSubstr("connect_timeout='9'"));
    EXPECT_THAT(text, HasSubstr("application_name='mine'"));
    EXPECT_THAT(text, Not(HasSubstr("application_name='prewarm'")));
}

TEST(ConnectionString, KeepsAwkwardPasswordsWhole) {
    EXPECT_THAT(written(R"(postgresql://me:a%27b%5Cc%20d@db/media)"),
                HasSubstr(R"(password='a\'b\\c d')"));
}

TEST(ConnectionString, RepeatsNothingOfAUrlThatItCannotRead) {
    for (const auto* url : {"", "postgresql://me:hunter2@[::1/media", "postgres:/me:hunter2@x",
                            "postgresql://me:hunter2@db/media?nonsense=hunter2"}) {
        PoolOptions options;
        options.url = Secret{url};
        const auto text = connection_string(options);
        ASSERT_FALSE(text) << url;
        EXPECT_EQ(text.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(text.error().detail, Not(HasSubstr("hunter2")));
    }
}

}  // namespace
}  // namespace prewarm::postgres
