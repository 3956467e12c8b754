#include "common/runtime/byte_pipe.hpp"

#include <string>

#include <gtest/gtest.h>

namespace prewarm {
namespace {

std::string read_up_to(BytePipe& pipe, std::size_t most) {
    std::string text(most, '\0');
    text.resize(pipe.read(text));
    return text;
}

TEST(BytePipe, GivesWhatItTookInOrder) {
    BytePipe pipe{8};
    EXPECT_EQ(pipe.write(std::string_view{"abc"}), 3U);
    EXPECT_EQ(pipe.write(std::string_view{"defg"}), 4U);
    EXPECT_EQ(read_up_to(pipe, 5), "abcde");
    EXPECT_EQ(pipe.write(std::string_view{"hijkl"}), 5U);
    EXPECT_EQ(read_up_to(pipe, 100), "fghijkl");
}

TEST(BytePipe, TakesNothingWhenFullAndTellsWhenThereIsRoom) {
    BytePipe pipe{4};
    int told = 0;
    pipe.on_space = [&] { ++told; };
    EXPECT_EQ(pipe.write(std::string_view{"abcd"}), 4U);
    EXPECT_EQ(pipe.write(std::string_view{"e"}), 0U);
    EXPECT_EQ(told, 0);
    EXPECT_EQ(read_up_to(pipe, 1), "a");
    EXPECT_EQ(told, 1);
    EXPECT_EQ(pipe.write(std::string_view{"e"}), 1U);
    EXPECT_EQ(read_up_to(pipe, 9), "bcde");
}

TEST(BytePipe, TakesAChunkLargerThanItselfWhenEmpty) {
    BytePipe pipe{4};
    EXPECT_EQ(pipe.write(std::string_view{"0123456789"}), 10U);
    EXPECT_EQ(read_up_to(pipe, 99), "0123456789");
}

TEST(BytePipe, TellsAReaderThatGotNothing) {
    BytePipe pipe{4};
    int told = 0;
    pipe.on_data = [&] { ++told; };
    EXPECT_EQ(read_up_to(pipe, 1), "");
    EXPECT_EQ(pipe.write(std::string_view{"a"}), 1U);
    EXPECT_EQ(told, 1);
    EXPECT_EQ(pipe.write(std::string_view{"b"}), 1U);
    EXPECT_EQ(told, 1);
}

TEST(BytePipe, IsDrainedOnlyAfterTheLastByteWasRead) {
    BytePipe pipe{4};
    EXPECT_EQ(pipe.write(std::string_view{"ab"}), 2U);
    pipe.close();
    EXPECT_FALSE(pipe.drained());
    EXPECT_EQ(read_up_to(pipe, 2), "ab");
    EXPECT_TRUE(pipe.drained());
}

TEST(BytePipe, DropsWhatItHoldsWhenBrokenOff) {
    BytePipe pipe{4};
    int told = 0;
    pipe.on_data = [&] { ++told; };
    EXPECT_EQ(read_up_to(pipe, 1), "");
    pipe.break_off();
    EXPECT_EQ(told, 1);
    EXPECT_TRUE(pipe.broken());
    EXPECT_FALSE(pipe.drained());
    EXPECT_EQ(read_up_to(pipe, 1), "");
}

}  // namespace
}  // namespace prewarm
