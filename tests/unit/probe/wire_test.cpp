#include "common/probe/wire.hpp"

#include <gtest/gtest.h>

namespace prewarm::probe {
namespace {

using namespace std::chrono_literals;

class Wire : public testing::Test {
protected:
    static bool is_refused(const std::string& text) {
        const auto result = decode(text);
        return !result && result.error().kind == FailureKind::refused;
    }

    Found found{.width = 640,
                .height = 360,
                .duration = 20s,
                .has_sound = true,
                .title = "Тон",
                .performer = "prewarm",
                .thumbnail = "\xff\xd8 a JPEG"};
};

TEST_F(Wire, CarriesWhatWasFound) {
    const auto told = decode(encode(found));
    ASSERT_TRUE(told);
    EXPECT_EQ(told->width, 640U);
    EXPECT_EQ(told->height, 360U);
    EXPECT_EQ(told->duration, 20s);
    EXPECT_TRUE(told->has_sound);
    EXPECT_EQ(told->title, "Тон");
    EXPECT_EQ(told->performer, "prewarm");
    EXPECT_EQ(told->thumbnail, found.thumbnail);
}

TEST_F(Wire, CarriesWhyNothingWasFound) {
    const auto told = decode(encode(Failure{FailureKind::transient, "it took too long"}));
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().detail, "it took too long");
}

TEST_F(Wire, TakesNothingThatIsCutOrHasMoreBehind) {
    const auto whole = encode(found);
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_TRUE(is_refused(whole.substr(0, size))) << size;
    EXPECT_TRUE(is_refused(whole + "x"));
}

TEST_F(Wire, TakesNothingThatAProbeWouldNotSay) {
    auto wrong = found;
    wrong.title = "two\nlines";
    EXPECT_TRUE(is_refused(encode(wrong)));
    wrong = found;
    wrong.performer = "\xff";
    EXPECT_TRUE(is_refused(encode(wrong)));
    wrong = found;
    wrong.thumbnail = "no JPEG";
    EXPECT_TRUE(is_refused(encode(wrong)));
    wrong = found;
    wrong.duration = -1ms;
    EXPECT_TRUE(is_refused(encode(wrong)));
    wrong = found;
    wrong.thumbnail.resize(204'800);
    EXPECT_TRUE(is_refused(encode(wrong)));
}

}  // namespace
}  // namespace prewarm::probe
