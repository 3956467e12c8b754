#include "producer/time_arguments.hpp"

#include <gtest/gtest.h>

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::system_clock::time_point;

const Time now{1'700'000'000s};

TEST(ParseSince, TakesAnAge) {
    EXPECT_EQ(parse_since("90s", now), now - 90s);
    EXPECT_EQ(parse_since("30m", now), now - 30min);
    EXPECT_EQ(parse_since("30min", now), now - 30min);
    EXPECT_EQ(parse_since("2h", now), now - 2h);
    EXPECT_EQ(parse_since("7d", now), now - 7 * 24h);
}

TEST(ParseSince, TakesRfc3339) {
    EXPECT_EQ(parse_since("2023-11-14T22:13:20Z", now), now);
    EXPECT_EQ(parse_since("2023-11-14T22:13:20.5Z", now), now + 500ms);
    EXPECT_EQ(parse_since("2023-11-15T00:13:20+02:00", now), now);
}

TEST(ParseSince, TakesNothingElse) {
    for (const auto* text : {"", "2", "2 h", "h", "-2h", "2w", "2h30m", "yesterday", "2023-11-14",
                             "99999999999999999999s", "9999999d"}) {
        EXPECT_EQ(parse_since(text, now), std::nullopt) << text;
    }
}

TEST(ParseRate, GivesTheTimeFromOneToTheNext) {
    EXPECT_EQ(parse_rate("5"), 200ms);
    EXPECT_EQ(parse_rate("0.5"), 2s);
    EXPECT_EQ(parse_rate("4/s"), 250ms);
    EXPECT_EQ(parse_rate("20/min"), 3s);
    EXPECT_EQ(parse_rate("20/m"), 3s);
    EXPECT_EQ(parse_rate("3600/h"), 1s);
    EXPECT_EQ(parse_rate("6/h"), 10min);
}

TEST(ParseRate, TakesNothingElse) {
    for (const auto* text : {"", "0", "-1", "fast", "5/day", "5 /s", "nan", "inf", "5/h", "1e-9"})
        EXPECT_EQ(parse_rate(text), std::nullopt) << text;
}

}  // namespace
}  // namespace prewarm::producer
