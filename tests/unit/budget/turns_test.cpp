#include "common/budget/turns.hpp"

#include <gtest/gtest.h>

namespace prewarm::budget {
namespace {

using namespace std::chrono_literals;

TEST(BudgetAnswer, IsReadAsRedisWritesIt) {
    const auto answer = decode_answer(
        R"({"born":1795292634209,"rate":0.66666666666667,"seq":3,"instances":2,"turns":[
            {"permit":"a:1","wait_ms":30,"limit":"bot","chat":"-1001234567890123"},
            {"permit":"a:2","limit":"in_flight"}]})");
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->born, 1795292634209U);
    EXPECT_EQ(answer->turns[0].chat, -1001234567890123);
    EXPECT_EQ(answer->turns[0].wait, 30ms);
    EXPECT_FALSE(answer->turns[1].chat);
    EXPECT_FALSE(answer->turns[1].wait);
}

TEST(BudgetAnswer, NamesTheAlbumsThatGoTogether) {
    const auto answer = decode_answer(
        R"({"born":1,"rate":1,"seq":3,"instances":1,"turns":[
            {"permit":"a:1","wait_ms":30,"chat":"-1","album":"a:1","album_size":10},
            {"permit":"a:2","wait_ms":30,"chat":"-1"}]})");
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->turns[0].album, (Album{"a:1", 10}));
    EXPECT_EQ(answer->turns[1].album, std::nullopt);
}

TEST(BudgetAnswer, MayHaveNoTurns) {
    EXPECT_TRUE(
        decode_answer(R"({"born":1,"rate":0,"seq":3,"instances":1,"turns":{}})")->turns.empty());
}

TEST(BudgetAnswer, IsRefusedWhenItIsNone) {
    for (const auto* text : {"", "[]", "{}", R"({"born":"x"})"})
        EXPECT_EQ(decode_answer(text).error().kind, FailureKind::transient) << text;
}

TEST(BudgetLimits, AreSharedByThoseWhoDoNotKnowOfEachOther) {
    const auto part = share_of({}, 4);
    EXPECT_EQ(part.group_per_minute, 5);
    EXPECT_EQ(part.bot_per_second, 7.5);
    EXPECT_EQ(part.most_in_flight, 6U);
}

}  // namespace
}  // namespace prewarm::budget
