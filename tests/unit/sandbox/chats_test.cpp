#include "sandbox/telegram/chats.hpp"

#include <gtest/gtest.h>

namespace prewarm::sandbox {
namespace {

TEST(Chats, NumberTheMessagesOfEachChat) {
    Chats chats{10};
    EXPECT_EQ(chats.post(5, {.file = 1}), 1);
    EXPECT_EQ(chats.post(6, {.file = 2}), 1);
    EXPECT_EQ(chats.post(5, {.file = 3}), 2);
    EXPECT_EQ(chats.find(5, 2)->file, 3U);
    EXPECT_EQ(chats.find(6, 1)->file, 2U);
}

TEST(Chats, HaveNoMessageThatWasNotPosted) {
    Chats chats{10};
    chats.post(5, {.file = 1});
    EXPECT_EQ(chats.find(5, 0), nullptr);
    EXPECT_EQ(chats.find(5, 2), nullptr);
    EXPECT_EQ(chats.find(5, INT64_MIN), nullptr);
    EXPECT_EQ(chats.find(5, INT64_MAX), nullptr);
    EXPECT_EQ(chats.find(7, 1), nullptr);
}

TEST(Chats, HaveNoMessageThatWasDeleted) {
    Chats chats{10};
    chats.post(5, {.file = 1});
    chats.find(5, 1)->is_deleted = true;
    EXPECT_EQ(chats.find(5, 1), nullptr);
}

TEST(Chats, ForgetTheOldestMessageOfAll) {
    Chats chats{2};
    chats.post(5, {.file = 1});
    chats.post(6, {.file = 2});
    EXPECT_EQ(chats.post(5, {.file = 3}), 2);
    EXPECT_EQ(chats.find(5, 1), nullptr);
    EXPECT_EQ(chats.find(6, 1)->file, 2U);
    EXPECT_EQ(chats.find(5, 2)->file, 3U);
    EXPECT_EQ(chats.post(5, {.file = 4}), 3);
}

TEST(Chats, AreOfTheTypeTheirIdSays) {
    EXPECT_EQ(chat_type_of(5), "private");
    EXPECT_EQ(chat_type_of(-5), "group");
    EXPECT_EQ(chat_type_of(-1'000'000'000'000), "group");
    EXPECT_EQ(chat_type_of(-1'001'234'567'890), "channel");
}

}  // namespace
}  // namespace prewarm::sandbox
