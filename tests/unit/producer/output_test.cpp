#include "producer/output.hpp"

#include <sstream>

#include <gtest/gtest.h>

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

std::string printed(const Table& table) {
    std::ostringstream out;
    table.print(out);
    return out.str();
}

TEST(Table, AlignsTextLeftAndNumbersRight) {
    Table table{{"NAME", "BYTES", "END"}};
    table.add({"a", "5", "x"});
    table.add({"longer", "123456", "y"});
    EXPECT_EQ(printed(table),
              "NAME     BYTES  END\n"
              "a            5  x\n"
              "longer  123456  y\n");
}

TEST(Table, CountsCharactersAndNotBytes) {
    Table table{{"NAME", "END"}};
    table.add({"\xd1\x84\xd1\x84\xd1\x84\xd1\x84\xd1\x84", "x"});
    table.add({"aaaaa", "y"});
    EXPECT_EQ(printed(table),
              "NAME   END\n"
              "\xd1\x84\xd1\x84\xd1\x84\xd1\x84\xd1\x84  x\n"
              "aaaaa  y\n");
}

TEST(Shown, KeepsTextAndShowsWhatATerminalWouldObey) {
    EXPECT_EQ(shown("a b \xd1\x84 \xf0\x9f\x98\x80"), "a b \xd1\x84 \xf0\x9f\x98\x80");
    EXPECT_EQ(shown("\x1b[2J\n\x7f"), "\\x1b[2J\\x0a\\x7f");
    EXPECT_EQ(shown("\xc2\x9b"), "\\xc2\\x9b");
    EXPECT_EQ(shown("\xc2\xa0"), "\xc2\xa0");
}

TEST(Shown, IsAlwaysUtf8) {
    EXPECT_EQ(shown("a\xff"), "a\\xff");
    EXPECT_EQ(shown("\xd1"), "\\xd1");
    EXPECT_EQ(shown("\xc0\xaf"), "\\xc0\\xaf");
    EXPECT_EQ(shown("\xed\xa0\x80"), "\\xed\\xa0\\x80");
    EXPECT_EQ(shown("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
    EXPECT_EQ(shown("\xf0\x8f\xbf\xbf"), "\\xf0\\x8f\\xbf\\xbf");
}

TEST(ShownBytes, HasAUnitThatFits) {
    EXPECT_EQ(shown_bytes(0), "0 B");
    EXPECT_EQ(shown_bytes(999), "999 B");
    EXPECT_EQ(shown_bytes(1000), "1.0 kB");
    EXPECT_EQ(shown_bytes(999'999), "1.0 MB");
    EXPECT_EQ(shown_bytes(45'000'000), "45.0 MB");
    EXPECT_EQ(shown_bytes(7'000'000'000'000'000), "7000.0 TB");
}

TEST(ShownDuration, HasAUnitThatFits) {
    EXPECT_EQ(shown_duration(999ms), "0 s");
    EXPECT_EQ(shown_duration(119s), "119 s");
    EXPECT_EQ(shown_duration(120s), "2 min");
    EXPECT_EQ(shown_duration(3h), "3 h");
    EXPECT_EQ(shown_duration(72h), "3 d");
}

TEST(ShownTime, IsUtc) {
    EXPECT_EQ(shown_time(std::chrono::system_clock::time_point{1'700'000'000s}),
              "2023-11-14T22:13:20Z");
}

TEST(Tell, MarksEveryLine) {
    std::ostringstream err;
    tell(err, "first\x1b\nsecond");
    EXPECT_EQ(err.str(), "prewarmctl: first\\x1b\nprewarmctl: second\n");
}

}  // namespace
}  // namespace prewarm::producer
