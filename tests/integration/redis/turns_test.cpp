#include <algorithm>
#include <chrono>

#include <gmock/gmock.h>

#include "common/budget/rules.hpp"
#include "consumer/adapters/redis_turns.hpp"
#include "tests/integration/redis/redis_test.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

/// The rules as Redis runs them, beside the same in this process.
class TurnsTest : public test::RedisTest {
protected:
    budget::Request ask(const budget::Answer& before, std::size_t messages,
                        std::string instance = "one") {
        budget::Request request{.instance = std::move(instance),
                                .born = before.born,
                                .seq = before.seq,
                                .limits = limits,
                                .grace = 100ms,
                                .chats = {-1001, -1002, -1004},
                                .ended = {},
                                .held = {},
                                .told = {},
                                .wanted = {}};
        for (std::size_t message = 0; message < messages; ++message) {
            request.wanted.push_back({.permit = request.instance + std::to_string(++permits),
                                      .bytes = 1000 + permits,
                                      .hold = 30s});
        }
        return request;
    }

    static long given(const budget::Answer& answer) {
        return std::ranges::count_if(answer.turns,
                                     [](const auto& turn) { return turn.chat.has_value(); });
    }

    // So fast that the two clocks need not agree.
    budget::Limits limits{
        .bot_per_second = 1e6, .chat_per_second = 1e6, .group_per_minute = 4, .most_in_flight = 50};
    std::size_t permits = 0;
};

TEST_F(TurnsTest, AreThoseOfTheSameRulesInThisProcess) {
    run([&](redis::Connection& redis) -> asio::awaitable<void> {
        RedisTurns shared{redis};
        budget::Rules here;
        budget::Answer theirs, ours;
        long all = 0;
        for (int round = 0; round < 4; ++round) {
            auto request = ask(theirs, 6);
            if (round == 1) request.told.push_back({budget::Told::What::refused, -1001, {}, 0});
            if (round == 2) request.told.push_back({budget::Told::What::moved, -1002, {}, -1003});
            if (round > 0) {
                for (const auto& turn : theirs.turns) {
                    if (turn.chat)
                        request.ended.push_back(
                            {.permit = turn.permit, .chat = *turn.chat, .posted = true});
                }
            }
            auto of_ours = request;
            of_ours.born = ours.born;
            of_ours.seq = ours.seq;
            theirs = (co_await shared.ask(key(), request)).value();
            const auto now = std::chrono::steady_clock::now().time_since_epoch();
            ours = here.decide(std::chrono::duration_cast<std::chrono::milliseconds>(now), of_ours);
            EXPECT_EQ(theirs.seq, ours.seq);
            EXPECT_NEAR(theirs.per_second, ours.per_second, 1e-6);
            EXPECT_EQ(theirs.turns.size(), 6U);
            all += given(theirs);
            for (std::size_t place = 0; place < theirs.turns.size(); ++place) {
                const auto& turn = theirs.turns[place];
                EXPECT_EQ(turn.chat, ours.turns[place].chat) << "round " << round;
                if (turn.chat) continue;  // What kept it for microseconds, if anything.
                EXPECT_EQ(turn.limit, ours.turns[place].limit) << "round " << round;
            }
        }
        EXPECT_EQ(all, 10) << "four to each chat, and two to the one that refused then";
    });
}

TEST_F(TurnsTest, AreSharedByAllInstances) {
    run([&](redis::Connection& redis) -> asio::awaitable<void> {
        RedisTurns turns{redis};
        limits.most_in_flight = 8;
        const auto first = (co_await turns.ask(key(), ask({}, 6, "one"))).value();
        const auto second = (co_await turns.ask(key(), ask(first, 6, "two"))).value();
        EXPECT_EQ(second.instances, 2U);
        EXPECT_EQ(given(first), 6);
        EXPECT_EQ(given(second), 2);
    });
}

TEST_F(TurnsTest, OfAStateThatWasLostComeAfterTheGrace) {
    run([&](redis::Connection& redis) -> asio::awaitable<void> {
        RedisTurns turns{redis};
        const auto before = (co_await turns.ask(key(), ask({}, 1))).value();
        EXPECT_TRUE(before.turns.at(0).chat);
        co_await sleep_for(2ms);  // A state is known by the moment of its birth.
        EXPECT_EQ((co_await redis.command({"DEL", "prewarm:budget:{" + key() + "}"})).value(),
                  redis::Reply{std::int64_t{1}});
        const auto after = (co_await turns.ask(key(), ask(before, 1))).value();
        EXPECT_NE(after.born, before.born);
        EXPECT_FALSE(after.turns.at(0).chat);
        EXPECT_EQ(after.turns.at(0).limit, "recovery");
    });
}

}  // namespace
}  // namespace prewarm
