#include "consumer/budget/storage_chats.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_to_end.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct SetClock : warm::Clock {
    std::chrono::steady_clock::time_point time{1h};
    std::chrono::steady_clock::time_point now() override { return time; }
    asio::awaitable<void> pause(std::chrono::milliseconds) override { co_return; }
    double chance() override { return 0.5; }
};

class StorageChatsTest : public ::testing::Test {
protected:
    Result<std::int64_t> turn() {
        asio::io_context loop;
        return test::run_to_end(loop, chats.wait_turn(upload));
    }
    void refused(std::int64_t chat, FailureKind kind) {
        chats.failed(upload, chat,
                     Failure{.kind = kind, .detail = "no", .source = Dependency::telegram});
    }
    void throttled(std::int64_t chat, std::chrono::milliseconds wait) {
        chats.failed(upload, chat,
                     Failure{.kind = FailureKind::throttled,
                             .detail = "slow",
                             .retry_after = wait,
                             .source = Dependency::telegram});
    }

    Bots bots{{"shop", {Secret{"1:a"}, {-1, -2, -3}}}, {"other", {Secret{"2:b"}, {-9}}}};
    metrics::Registry metrics;
    SetClock clock;
    StorageChats chats{bots, metrics, clock};
    Upload upload{.media = {.bot_slug = "shop"}};
};

TEST_F(StorageChatsTest, SpreadsOverAllChats) {
    EXPECT_EQ(turn(), -1);
    EXPECT_EQ(turn(), -2);
    EXPECT_EQ(turn(), -3);
    EXPECT_EQ(turn(), -1);
}

TEST_F(StorageChatsTest, TakesTheChatThatTheEventNamesAsLongAsItTakesUs) {
    upload.warmup_chat_id = -77;
    EXPECT_EQ(turn(), -77);
    refused(-77, FailureKind::chat_refused);
    EXPECT_EQ(turn(), -1);
}

TEST_F(StorageChatsTest, LetsARefusedChatRest) {
    refused(-2, FailureKind::chat_refused);
    EXPECT_EQ(turn(), -1);
    EXPECT_EQ(turn(), -3);
    EXPECT_EQ(turn(), -1);
    clock.time += 10min;
    EXPECT_EQ(turn(), -2);
}

TEST_F(StorageChatsTest, SaysHowLongAllOfThemRest) {
    refused(-1, FailureKind::chat_refused);
    clock.time += 1min;
    refused(-2, FailureKind::chat_refused);
    refused(-3, FailureKind::chat_refused);
    const auto none = turn();
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, FailureKind::throttled);
    EXPECT_EQ(none.error().retry_after, 9min);
}

TEST_F(StorageChatsTest, FollowsAMigratedChat) {
    Failure moved{FailureKind::chat_refused, "upgraded"};
    moved.chat_is_now = -1002;
    chats.failed(upload, -2, moved);
    EXPECT_EQ(turn(), -1);
    EXPECT_EQ(turn(), -1002);
    refused(-1002, FailureKind::chat_refused);
    EXPECT_EQ(turn(), -3);
    EXPECT_EQ(turn(), -1);
    EXPECT_EQ(turn(), -3);
}

TEST_F(StorageChatsTest, LeavesAThrottledChatAloneForAsLongAsItSays) {
    throttled(-1, 30s);
    EXPECT_EQ(turn(), -2);
    EXPECT_EQ(turn(), -3);
    EXPECT_EQ(turn(), -2);
    clock.time += 30s;
    EXPECT_EQ(turn(), -3);
    EXPECT_EQ(turn(), -1);
}

TEST_F(StorageChatsTest, TakesASecondThrottledChatForTheWholeBot) {
    throttled(-1, 30s);
    throttled(-2, 20s);
    const auto none = turn();
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().retry_after, 20s);
    upload.media.bot_slug = "other";
    EXPECT_EQ(turn(), -9);
}

TEST_F(StorageChatsTest, LetsABotRestUntilItIsBack) {
    refused(-1, FailureKind::bot_refused);
    EXPECT_EQ(turn().error().kind, FailureKind::bot_refused);
    EXPECT_THAT(chats.refused_bots(), ElementsAre("shop"));
    EXPECT_THAT(chats.usable_bots(), ElementsAre("other"));
    EXPECT_THAT(metrics.text(), ::testing::HasSubstr(R"(prewarm_breaker_open{name="bot:shop"} 1)"));
    chats.bot_is_back("shop");
    EXPECT_TRUE(turn());
    EXPECT_THAT(chats.refused_bots(), IsEmpty());
    EXPECT_THAT(metrics.text(), ::testing::HasSubstr(R"(prewarm_breaker_open{name="bot:shop"} 0)"));
}

TEST_F(StorageChatsTest, GivesEverybodyAnotherChanceWithANewBotsFile) {
    refused(-1, FailureKind::bot_refused);
    refused(-1, FailureKind::chat_refused);
    chats.forget_rests();
    EXPECT_EQ(turn(), -1);
    EXPECT_THAT(chats.refused_bots(), IsEmpty());
}

TEST_F(StorageChatsTest, KnowsNoBotThatIsNotInTheFile) {
    upload.media.bot_slug = "nobody";
    EXPECT_EQ(turn().error().kind, FailureKind::misconfigured);
}

}  // namespace
}  // namespace prewarm
