#include "common/runtime/backoff.hpp"

#include <gtest/gtest.h>

namespace prewarm {
namespace {

using namespace std::chrono_literals;

TEST(FullJitter, DoublesItsBoundUpToTheLongest) {
    EXPECT_EQ(full_jitter(100ms, 3000ms, 0, 1.0), 100ms);
    EXPECT_EQ(full_jitter(100ms, 3000ms, 1, 1.0), 200ms);
    EXPECT_EQ(full_jitter(100ms, 3000ms, 4, 1.0), 1600ms);
    EXPECT_EQ(full_jitter(100ms, 3000ms, 5, 1.0), 3000ms);
    EXPECT_EQ(full_jitter(100ms, 3000ms, 4'000'000'000, 1.0), 3000ms);
}

TEST(FullJitter, MayBeAnythingBelowTheBound) {
    EXPECT_EQ(full_jitter(100ms, 3000ms, 3, 0.0), 0ms);
    EXPECT_EQ(full_jitter(100ms, 3000ms, 3, 0.25), 200ms);
    EXPECT_EQ(full_jitter(100ms, 50ms, 0, 1.0), 50ms);
}

}  // namespace
}  // namespace prewarm
