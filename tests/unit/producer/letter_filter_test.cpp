#include "producer/dead_letters/letter_filter.hpp"

#include <gtest/gtest.h>

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point died{1'700'000'000s};

DeadLetter letter() {
    DeadLetter letter;
    letter.id = "9f86d081884c7d65";
    letter.reason = "OBJECT_MISSING";
    letter.died_at = died;
    letter.message_id = "message-1";
    letter.event_id = "event-1";
    letter.bot_slug = "shop";
    return letter;
}

TEST(LetterFilter, LetsEverythingThroughWhenEmpty) {
    EXPECT_TRUE(LetterFilter{}.matches(letter()));
    EXPECT_TRUE(LetterFilter{}.matches({}));
}

TEST(LetterFilter, MatchesAnyOfSeveralReasonsInEitherCase) {
    EXPECT_TRUE((LetterFilter{.reasons = {"rejected", "object_missing"}}.matches(letter())));
    EXPECT_FALSE((LetterFilter{.reasons = {"rejected", "OBJECT"}}.matches(letter())));
}

TEST(LetterFilter, MatchesTheBot) {
    EXPECT_TRUE((LetterFilter{.bot = "shop"}.matches(letter())));
    EXPECT_FALSE((LetterFilter{.bot = "shop2"}.matches(letter())));
}

TEST(LetterFilter, MatchesSinceATimeAndNothingWhoseTimeIsUnknown) {
    EXPECT_TRUE((LetterFilter{.since = died}.matches(letter())));
    EXPECT_FALSE((LetterFilter{.since = died + 1ms}.matches(letter())));
    auto timeless = letter();
    timeless.died_at.reset();
    EXPECT_FALSE((LetterFilter{.since = died}.matches(timeless)));
}

TEST(LetterFilter, MatchesByEachName) {
    for (const auto* name : {"9f86d081884c7d65", "9f86", "9F86D0", "event-1", "message-1"})
        EXPECT_TRUE((LetterFilter{.names = {"other", name}}.matches(letter()))) << name;
    for (const auto* name : {"9f8", "f86d", "event", "", "9f86d081884c7d650"})
        EXPECT_FALSE((LetterFilter{.names = {name}}.matches(letter()))) << name;
    // A letter without ids is not what an empty name means.
    EXPECT_FALSE((LetterFilter{.names = {""}}.matches({})));
}

TEST(LetterFilter, WantsAllOfItsConditions) {
    LetterFilter filter{.reasons = {"OBJECT_MISSING"}, .bot = "shop", .since = died};
    EXPECT_TRUE(filter.matches(letter()));
    filter.bot = "other";
    EXPECT_FALSE(filter.matches(letter()));
}

TEST(LetterFilter, SelectsWhenItHasACondition) {
    EXPECT_FALSE(LetterFilter{}.selects());
    EXPECT_FALSE((LetterFilter{.limit = 5}.selects()));
    EXPECT_TRUE((LetterFilter{.bot = "shop"}.selects()));
    EXPECT_TRUE((LetterFilter{.names = {"9f86"}}.selects()));
}

}  // namespace
}  // namespace prewarm::producer
