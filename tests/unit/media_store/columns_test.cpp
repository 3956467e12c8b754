#include "common/media_store/columns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::sql {
namespace {

using testing::ElementsAre;

TEST(ArrayLiteral, QuotesEveryValue) {
    EXPECT_EQ(array_literal({}), "{}");
    EXPECT_EQ(array_literal({""}), R"({""})");
    EXPECT_EQ(array_literal({"a", "NULL", "b c"}), R"({"a","NULL","b c"})");
    EXPECT_EQ(array_literal({R"(say "hi")", R"(back\slash)", "{,}"}),
              R"({"say \"hi\"","back\\slash","{,}"})");
}

TEST(Distinct, KeepsTheFirstOfEach) {
    EXPECT_THAT(distinct({"b", "a", "b", "c", "a"}), ElementsAre("b", "a", "c"));
}

TEST(Storable, LeavesGoodTextAlone) {
    EXPECT_EQ(storable("plain, žluť, 日本, 🐎", 100), "plain, žluť, 日本, 🐎");
}

TEST(Storable, CutsBetweenCharacters) {
    EXPECT_EQ(storable("日本語", 2), "日本");
    EXPECT_EQ(storable("", 2), "");
}

TEST(Storable, ReplacesWhatPostgresRefuses) {
    using namespace std::string_literals;
    EXPECT_EQ(storable("a\0b"s, 100), "a\uFFFDb");
    EXPECT_EQ(storable("a\xFF"
                       "b",
                       100),
              "a\uFFFDb");
    EXPECT_EQ(storable("cut \xE6\x97", 100), "cut \uFFFD");                    // half a character
    EXPECT_EQ(storable("\xED\xA0\x80", 100).find('\xED'), std::string::npos);  // a surrogate
    EXPECT_EQ(storable("\xC0\x80", 100).find('\xC0'), std::string::npos);      // an overlong zero
}

}  // namespace
}  // namespace prewarm::sql
