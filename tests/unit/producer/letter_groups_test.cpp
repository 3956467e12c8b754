#include "producer/dead_letters/letter_groups.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

DeadLetter letter(const std::string& reason, const std::string& detail, std::chrono::seconds died) {
    DeadLetter letter;
    letter.id = detail;
    letter.reason = reason;
    letter.detail = detail;
    letter.died_at = std::chrono::system_clock::time_point{died};
    letter.message_bytes = 100;
    letter.media_bytes = 1000;
    return letter;
}

TEST(LetterGroups, GatherLettersOfOneReasonAndCauseTheLargestFirst) {
    LetterGroups groups;
    groups.add(letter("UNKNOWN_BOT", "no bot `a` in the file", 50s));
    groups.add(letter("TOO_LARGE", "60 bytes", 30s));
    auto last = letter("TOO_LARGE", "70 bytes", 10s);
    last.bot_slug = "shop";
    groups.add(last);
    auto timeless = letter("TOO_LARGE", "80 bytes", 0s);
    timeless.died_at.reset();
    groups.add(timeless);
    groups.add(letter("UNKNOWN", "60 bytes", 50s));

    const auto found = groups.by_size();
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(boost::json::serialize(json_of(found[0])),
              R"({"reason":"TOO_LARGE","cause":"<n> bytes","messages":3,"bytes":300,)"
              R"("media_bytes":3000,"oldest":"1970-01-01T00:00:10Z",)"
              R"("newest":"1970-01-01T00:00:30Z","example_bot":"shop","example_id":"60 bytes"})");
    EXPECT_EQ(found[1].reason, "UNKNOWN");
    EXPECT_EQ(found[2].cause, "no bot <text> in the file");
    EXPECT_EQ(found[2].messages, 1U);
}

TEST(LetterGroups, AreNoneWithoutLetters) {
    EXPECT_TRUE(LetterGroups{}.by_size().empty());
}

}  // namespace
}  // namespace prewarm::producer
