#include "common/redis/reply.hpp"

#include <gtest/gtest.h>

namespace prewarm::redis {
namespace {

TEST(FailureOf, SaysWhoCanMendIt) {
    const auto kind = [](std::string text) { return failure_of({std::move(text)}).kind; };
    EXPECT_EQ(kind("LOADING Redis is loading the dataset in memory"), FailureKind::unavailable);
    EXPECT_EQ(kind("OOM command not allowed when used memory > 'maxmemory'."),
              FailureKind::unavailable);
    EXPECT_EQ(kind("READONLY You can't write against a read only replica."),
              FailureKind::unavailable);
    EXPECT_EQ(kind("NOAUTH Authentication required."), FailureKind::misconfigured);
    EXPECT_EQ(kind("WRONGPASS invalid username-password pair or user is disabled."),
              FailureKind::misconfigured);
    EXPECT_EQ(kind("MOVED 3999 127.0.0.1:6381"), FailureKind::misconfigured);
    EXPECT_EQ(kind("WRONGTYPE Operation against a key holding the wrong kind of value"),
              FailureKind::refused);
    EXPECT_EQ(kind("ERR unknown command 'FOO'"), FailureKind::refused);
    EXPECT_EQ(kind("OOMPH"), FailureKind::refused);
    EXPECT_EQ(kind(""), FailureKind::refused);
}

TEST(FailureOf, NamesRedis) {
    EXPECT_EQ(failure_of({"ERR no"}).detail, "Redis: ERR no");
}

}  // namespace
}  // namespace prewarm::redis
