#include "consumer/budget/telegram_budget.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/runtime/deadline.hpp"
#include "consumer/adapters/steady_clock.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TelegramBudgetTest : public ::testing::Test {
protected:
    Result<warm::Turn> turn() {
        return test::run_to_end(loop, [this]() -> Task<warm::Turn> {
            auto given = co_await telegram.wait_turn(upload);
            co_await telegram.close(deadline_in(5s));
            co_return given;
        }());
    }
    void close() { test::run_to_end(loop, telegram.close(deadline_in(5s))); }
    void refused(FailureKind kind, std::optional<std::int64_t> is_now = {}) {
        telegram.failed(upload, {.chat_id = -1, .permit = "p"},
                        Failure{.kind = kind,
                                .detail = "no",
                                .chat_is_now = is_now,
                                .source = Dependency::telegram});
    }

    asio::io_context loop;
    Bots bots{{"shop", {Secret{"1:a"}, {-1}}}, {"other", {Secret{"2:b"}, {-9}}}};
    metrics::Registry metrics;
    SteadyClock clock;
    std::map<std::string, budget::Rules> states;
    std::vector<std::uint64_t> sizes_asked_for;
    TelegramBudget telegram{{.executor = loop.get_executor(),
                             .bots = bots,
                             .metrics = metrics,
                             .clock = clock,
                             .ask = [this](std::string_view bot,
                                           const budget::Request& request) -> Task<budget::Answer> {
                                 for (const auto& wanted : request.wanted)
                                     sizes_asked_for.push_back(wanted.bytes);
                                 const auto now =
                                     std::chrono::duration_cast<std::chrono::milliseconds>(
                                         clock.now().time_since_epoch());
                                 co_return states[std::string{bot}].decide(now, request);
                             },
                             .may_share_album = [](const Upload&) { return true; }},
                            {.instance = "one", .limits = {}, .at_once = 8}};
    Upload upload{.media = {.bot_slug = "shop"}};
};

TEST_F(TelegramBudgetTest, LetsABotRestUntilItIsBack) {
    refused(FailureKind::bot_refused);
    EXPECT_EQ(turn().error().kind, FailureKind::bot_refused);
    EXPECT_THAT(telegram.refused_bots(), ElementsAre("shop"));
    EXPECT_THAT(telegram.usable_bots(), ElementsAre("other"));
    EXPECT_NE(metrics.text().find(R"(prewarm_breaker_open{name="bot:shop"} 1)"), std::string::npos);
    telegram.bot_is_back("shop");
    EXPECT_TRUE(turn());
    EXPECT_THAT(telegram.refused_bots(), IsEmpty());
}

TEST_F(TelegramBudgetTest, FollowsAMigratedChat) {
    refused(FailureKind::chat_refused, -1001);
    EXPECT_EQ(turn()->chat_id, -1001);
}

TEST_F(TelegramBudgetTest, HasNoTurnWhileAllChatsRest) {
    refused(FailureKind::chat_refused);
    const auto none = turn();
    EXPECT_EQ(none.error().kind, FailureKind::throttled);
    EXPECT_GT(*none.error().retry_after, 9min);
}

TEST_F(TelegramBudgetTest, GivesAnotherTurnToASizeThatNoEventTold) {
    EXPECT_TRUE(telegram.is_turn_for(upload, 100'000)) << "of which any number may go";
    EXPECT_FALSE(telegram.is_turn_for(upload, 150'000));
    EXPECT_TRUE(telegram.is_turn_for(upload, 150'000)) << "the next turn is";
    EXPECT_FALSE(telegram.is_turn_for(upload, 160'000)) << "it was changed";
    const auto given = turn();
    telegram.ended(upload, *given, warm::Posted::yes);
    close();
    EXPECT_FALSE(telegram.is_turn_for(upload, 160'000)) << "nothing is kept of what was sent";
    upload.bytes = 160'000;
    EXPECT_TRUE(telegram.is_turn_for(upload, 160'000));
}

TEST_F(TelegramBudgetTest, AsksForTheSizeThatTurnedOut) {
    (void)telegram.is_turn_for(upload, 150'000);
    EXPECT_TRUE(turn());
    EXPECT_THAT(sizes_asked_for, ElementsAre(150'000));
}

TEST_F(TelegramBudgetTest, KnowsNoBotThatIsNotInTheFile) {
    upload.media.bot_slug = "stranger";
    EXPECT_EQ(turn().error().kind, FailureKind::misconfigured);
}

TEST_F(TelegramBudgetTest, LeavesAQuarterOfTheSlotsToOtherBots) {
    for (int chat = 10; chat < 20; ++chat)
        bots["shop"].storage_chats.push_back(-chat);
    upload.bytes = 10;
    test::run_to_end(loop, [&]() -> asio::awaitable<void> {
        TaskGroup jobs{loop.get_executor()};
        int given = 0;
        const auto take = [&]() -> asio::awaitable<void> {
            if (co_await telegram.wait_turn(upload)) ++given;
        };
        for (int i = 0; i < 8; ++i)
            jobs.spawn(take());
        co_await sleep_for(1s);
        EXPECT_EQ(given, 6);
        const Upload others{.media = {.bot_slug = "other"}};
        EXPECT_TRUE(co_await telegram.wait_turn(others));
        jobs.cancel_all();
        co_await jobs.join(deadline_in(5s));
        co_await telegram.close(deadline_in(5s));
    }());
}

TEST_F(TelegramBudgetTest, KeepsTheAlbumsOfBotsApart) {
    std::vector<std::string> ids;
    test::run_to_end(loop, [&]() -> asio::awaitable<void> {
        TaskGroup jobs{loop.get_executor()};
        const auto take = [&](std::string bot) -> asio::awaitable<void> {
            const Upload photo{.media = {.bot_slug = std::move(bot)}, .bytes = 10};
            const auto turn = co_await telegram.wait_turn(photo);
            if (turn && turn->album) ids.push_back(turn->album->id);
            if (turn) telegram.ended(photo, *turn, warm::Posted::no);
        };
        for (int i = 0; i < 3; ++i) {
            jobs.spawn(take("shop"));
            jobs.spawn(take("other"));
        }
        co_await jobs.join(deadline_in(30s));
        co_await telegram.close(deadline_in(5s));
    }());
    // The first of each was asked for alone.
    EXPECT_THAT(ids, ::testing::UnorderedElementsAre("shop/one:2", "shop/one:2", "other/one:2",
                                                     "other/one:2"));
}

}  // namespace
}  // namespace prewarm
