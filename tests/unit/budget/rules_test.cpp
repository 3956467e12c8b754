#include "common/budget/rules.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::budget {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// One bot, and instances that ask for it.
class BudgetRules : public ::testing::Test {
protected:
    Request ask(std::size_t messages, std::uint64_t bytes = 1000) {
        Request request{.instance = "one",
                        .born = born,
                        .seq = seq,
                        .peers = peers,
                        .limits = limits,
                        .chats = chats,
                        .ended = {},
                        .held = {},
                        .told = {},
                        .wanted = {}};
        for (std::size_t i = 0; i < messages; ++i) {
            request.wanted.push_back(
                {.permit = std::to_string(++permits), .bytes = bytes, .hold = 30s});
        }
        return request;
    }
    Answer decide(const Request& request) {
        auto answer = rules.decide(now, request);
        seq = answer.seq;
        born = answer.born;
        return answer;
    }
    Turn turn(std::uint64_t bytes = 1000) { return decide(ask(1, bytes)).turns.at(0); }
    /// `message` was posted and is answered.
    void end(const Turn& message, milliseconds ago = 0ms) {
        auto request = ask(0);
        request.ended.push_back(
            {.permit = message.permit, .chat = *message.chat, .posted = true, .ago = ago});
        (void)decide(request);
    }
    void tell(Told told) {
        auto request = ask(0);
        request.told.push_back(told);
        (void)decide(request);
    }
    /// As many as can be had now, each ended at once.
    std::vector<Turn> take_all(std::size_t most) {
        std::vector<Turn> taken;
        while (taken.size() < most) {
            const auto next = turn();
            if (!next.chat) break;
            now += *next.wait;
            end(next);
            taken.push_back(next);
        }
        return taken;
    }

    Rules rules;
    Limits limits;
    std::vector<std::int64_t> chats{-1};
    milliseconds now{1'000'000};
    std::uint64_t born = 0;
    std::uint64_t seq = 0;
    unsigned peers = 0;
    std::size_t permits = 0;
};

TEST_F(BudgetRules, WhatTakesLongerThanThoughtStaysInFlight) {
    limits.most_in_flight = 1;
    const auto slow = turn();
    now += 25s;
    auto request = ask(0);
    request.held.push_back({.permit = slow.permit, .chat = *slow.chat, .bytes = 1000, .hold = 30s});
    (void)decide(request);
    now += 20s;
    EXPECT_FALSE(turn().chat);
    now += 11s;
    EXPECT_TRUE(turn().chat);
}

TEST_F(BudgetRules, ChatsAreNotTheBotWhereAMessageWorkedBetween) {
    limits = {.bot_per_second = 1000, .chat_per_second = 1000};
    chats = {-1, -2, -3};
    tell({.what = Told::What::throttled, .chat = -1, .wait = 300s});
    tell({.what = Told::What::throttled, .chat = -5, .wait = 300s});
    now += 1s;
    const auto good = turn();
    now += 1s;
    auto request = ask(0);
    request.ended.push_back(
        {.permit = good.permit, .chat = *good.chat, .posted = true, .worked = true});
    (void)decide(request);
    tell({.what = Told::What::throttled, .chat = -2, .wait = 300s});
    EXPECT_EQ(turn().chat, -3);
    now += 1s;
    tell({.what = Told::What::throttled, .chat = -3, .wait = 300s});
    chats = {-1, -2, -3, -4};
    EXPECT_EQ(turn().chat, -4);
    tell({.what = Told::What::throttled, .chat = -6, .wait = 300s});
    EXPECT_FALSE(turn().chat) << "nothing worked since the last three";
}

TEST_F(BudgetRules, TheBotsRestEndsWhereAMessageWorksThatBeganInIt) {
    limits = {.bot_per_second = 1000, .chat_per_second = 1000};
    chats = {-3};
    tell({.what = Told::What::throttled, .chat = -1, .wait = 300s});
    tell({.what = Told::What::throttled, .chat = -4, .wait = 300s});
    auto request = ask(2);
    request.limits.chat_per_second = 1;  // The second is for a second later.
    const auto turns = decide(request).turns;
    ASSERT_GT(turns.at(1).wait, 500ms);
    now += 100ms;
    tell({.what = Told::What::throttled, .chat = -2, .wait = 300s});
    const auto worked = [&](const Turn& message) {
        auto told = ask(0);
        told.ended.push_back(
            {.permit = message.permit, .chat = *message.chat, .posted = true, .worked = true});
        (void)decide(told);
    };
    now += 1500ms;
    worked(turns.at(0));
    EXPECT_FALSE(turn().chat) << "it began before";
    worked(turns.at(1));
    EXPECT_TRUE(turn().chat);
}

TEST_F(BudgetRules, AChatIsAnothersUntilItsMessageHasEnded) {
    limits = {.bot_per_second = 1000, .chat_per_second = 1000};
    chats = {-1};
    const auto of_another = [&] {
        auto request = ask(1);
        request.instance = "another";
        return decide(request).turns.at(0);
    };
    (void)turn();
    EXPECT_TRUE(of_another().chat) << "while nobody is told to wait";
    chats = {-3};
    tell({.what = Told::What::throttled, .chat = -7, .wait = 1s});
    (void)turn();
    EXPECT_FALSE(of_another().chat);
    EXPECT_GE(of_another().wait, 1500ms);
    EXPECT_TRUE(turn().chat) << "not for who has sent it";
    now += 1600ms;
    EXPECT_FALSE(of_another().chat);
    EXPECT_EQ(of_another().wait, 500ms);
    now += 9s;
    EXPECT_TRUE(of_another().chat) << "a long upload keeps nobody out for ever";
    chats = {-2};
    const auto second = turn();
    now += 1600ms;
    end(second);
    EXPECT_TRUE(of_another().chat);
}

TEST_F(BudgetRules, ARefusalShortensNoLongerRest) {
    chats = {-1};
    (void)turn();
    tell({.what = Told::What::throttled, .chat = -1, .wait = 3600s});
    tell({.what = Told::What::refused, .chat = -1});
    tell({.what = Told::What::forget});
    now += 700s;
    EXPECT_FALSE(turn().chat);
}

TEST_F(BudgetRules, AChatThatMovedTakesItsMinuteAlong) {
    limits = {.bot_per_second = 1000, .chat_per_second = 1000, .group_per_minute = 3};
    chats = {-1};
    for (int message = 0; message < 3; ++message)
        end(turn());
    tell({.what = Told::What::moved, .chat = -1, .to = -2});
    EXPECT_FALSE(turn().chat);
    now += 61s;
    EXPECT_EQ(turn().chat, -2);
}

TEST_F(BudgetRules, LetAnIdleBotSendAtOnce) {
    const auto first = turn();
    EXPECT_EQ(first.chat, -1);
    EXPECT_EQ(first.wait, 0ms);
}

TEST_F(BudgetRules, GiveAGroupTwentyMessagesInAnyMinuteASecondApart) {
    const auto began = now;
    EXPECT_EQ(take_all(100).size(), 20U);
    EXPECT_EQ(now - began, 19s);
    const auto next = turn();
    EXPECT_EQ(next.limit, "group");
    EXPECT_EQ(next.wait, 41s);
    now += 41s;
    EXPECT_EQ(turn().chat, -1);
}

TEST_F(BudgetRules, CallAFullGroupSoWhereverTheBotsSlotsBegin) {
    limits.group_per_minute = 1;
    for (now = 0ms; now < 200s; now += 100ms) {  // Three slots.
        rules = {};
        born = seq = 0;
        end(turn());
        EXPECT_EQ(turn().limit, "group") << now.count();
    }
}

TEST_F(BudgetRules, CountWhatIsInFlightAsIfItWereThere) {
    std::vector<Turn> flying;
    for (int i = 0; i < 20; ++i) {
        flying.push_back(turn());
        ASSERT_TRUE(flying.back().chat) << i;
        now += 1s;
    }
    // Nobody knows when they arrive.
    EXPECT_FALSE(turn().wait);
    now += 5s;
    end(flying.front());
    const auto next = turn();
    EXPECT_EQ(next.limit, "group");
    EXPECT_EQ(next.wait, 60s) << "when the first leaves the window";
    for (std::size_t i = 1; i < flying.size(); ++i)
        end(flying[i]);
    EXPECT_EQ(turn().wait, 60s);
}

TEST_F(BudgetRules, TakeAPermitThatNobodyEndedAsUsed) {
    (void)turn();
    now += 31s;
    EXPECT_EQ(take_all(100).size(), 19U);
}

TEST_F(BudgetRules, GiveBackWhatWasNotUsed) {
    for (int i = 0; i < 20; ++i) {
        const auto unused = turn();
        now += *unused.wait + 1s;
        auto request = ask(0);
        request.ended.push_back({.permit = unused.permit, .chat = *unused.chat});
        (void)decide(request);
    }
    EXPECT_EQ(take_all(100).size(), 20U);
}

TEST_F(BudgetRules, SpreadOverTheLeastLoadedChats) {
    chats = {-1, -2, -3};
    std::map<std::int64_t, int> sent;
    for (const auto& one : take_all(30))
        ++sent[*one.chat];
    EXPECT_EQ(sent, (std::map<std::int64_t, int>{{-1, 10}, {-2, 10}, {-3, 10}}));
}

TEST_F(BudgetRules, KeepTheBotsRateOverManyChats) {
    chats.clear();
    for (int chat = 1; chat <= 200; ++chat)
        chats.push_back(-chat);
    limits.most_in_flight = 100;
    const auto turns = decide(ask(100)).turns;
    std::map<std::int64_t, int> in_second;
    std::size_t given = 0;
    for (const auto& one : turns) {
        if (!one.chat) continue;
        ++given;
        ++in_second[(now + *one.wait).count() / 1000];
    }
    EXPECT_EQ(given, 61U) << "all that lies within the two seconds of the horizon";
    for (const auto& [second, messages] : in_second)
        EXPECT_LE(messages, 31);
    EXPECT_EQ(turns.back().limit, "bot");
}

TEST_F(BudgetRules, GiveAPersonAMessageASecond) {
    chats = {5};
    for (int i = 0; i < 100; ++i) {
        const auto next = turn();
        ASSERT_TRUE(next.chat);
        EXPECT_EQ(next.wait, i == 0 ? 0ms : 1s);
        now += *next.wait;
        end(next);
    }
}

TEST_F(BudgetRules, SpaceUploadsOfTheSameSize) {
    chats = {-1, -2, -3};
    EXPECT_EQ(turn(5'000'000).wait, 0ms);
    const auto next = turn(5'000'000);
    EXPECT_EQ(next.wait, 500ms);
    EXPECT_EQ(next.limit, "same_size");
    EXPECT_LT(turn(5'000'001).wait, 100ms);
    EXPECT_LT(turn(90'000).wait, 1100ms);
    limits.spaces_equal_sizes = false;
    EXPECT_NE(turn(5'000'000).limit, "same_size");
}

TEST_F(BudgetRules, SpaceNothingWhoseSizeIsNotKnown) {
    chats = {-1, -2, -3};
    for (int i = 0; i < 3; ++i)
        EXPECT_LT(turn(0).wait, 100ms);
}

TEST_F(BudgetRules, BoundUploadsAndBytesInFlight) {
    chats = {-1, -2, -3, -4, -5};
    limits.most_bytes = 100'000'000;
    EXPECT_TRUE(turn(60'000'000).chat);
    const auto large = turn(60'000'001);
    EXPECT_FALSE(large.chat);
    EXPECT_EQ(large.limit, "bytes");
    EXPECT_TRUE(turn(1000).chat) << "a small one does not wait behind it";
    limits.most_in_flight = 2;
    EXPECT_EQ(turn(1000).limit, "in_flight");
}

TEST_F(BudgetRules, RestAChatThatIsThrottled) {
    chats = {-1, -2};
    tell({.what = Told::What::throttled, .chat = -1, .wait = 30s});
    for (const auto& one : take_all(10))
        EXPECT_EQ(one.chat, -2);
    now += 30s;
    EXPECT_EQ(turn().chat, -1);
}

TEST_F(BudgetRules, TakeThreeThrottledChatsForTheWholeBot) {
    chats = {-1, -2, -3};
    tell({.what = Told::What::throttled, .chat = -1, .wait = 30s});
    tell({.what = Told::What::throttled, .chat = -4, .wait = 30s});
    EXPECT_TRUE(turn().chat);
    tell({.what = Told::What::throttled, .chat = -2, .wait = 300s});
    const auto next = turn();
    EXPECT_FALSE(next.chat);
    EXPECT_EQ(next.wait, 300s);
    EXPECT_EQ(next.limit, "bot_cooldown");
}

TEST_F(BudgetRules, RestAChatThatRefusesUntilToldOtherwise) {
    chats = {-1, -2};
    tell({.what = Told::What::refused, .chat = -1});
    EXPECT_EQ(turn().chat, -2);
    now += 5min;
    EXPECT_EQ(turn().chat, -2);
    tell({.what = Told::What::forget});
    EXPECT_EQ(turn().chat, -1);
}

TEST_F(BudgetRules, FollowAChatThatMoved) {
    tell({.what = Told::What::moved, .chat = -1, .wait = {}, .to = -1001});
    EXPECT_EQ(turn().chat, -1001);
    tell({.what = Told::What::moved, .chat = -1001, .wait = {}, .to = -1});
    EXPECT_EQ(turn().chat, -1001) << "not in circles";
}

TEST_F(BudgetRules, SendToTheChatThatIsAskedForUnlessItRests) {
    auto request = ask(1);
    request.wanted[0].chat = -77;
    EXPECT_EQ(decide(request).turns[0].chat, -77);
    tell({.what = Told::What::refused, .chat = -77});
    request = ask(1);
    request.wanted[0].chat = -77;
    EXPECT_EQ(decide(request).turns[0].chat, -1);
}

TEST_F(BudgetRules, WaitForEverybodysMemoryWhenTheStateIsNew) {
    peers = 2;
    const auto early = turn();
    EXPECT_EQ(early.limit, "recovery");
    EXPECT_EQ(early.wait, 4000ms);
    // Another instance tells what it has sent.
    auto told = ask(0);
    told.instance = "two";
    for (int i = 0; i < 19; ++i)
        told.ended.push_back({.permit = {}, .chat = -1, .posted = true, .ago = 10s});
    EXPECT_EQ(decide(told).instances, 2U);
    now += 4000ms;
    EXPECT_TRUE(turn().chat);
    EXPECT_FALSE(turn().chat);
}

TEST_F(BudgetRules, NoticeAStateFromThePast) {
    const auto first = decide(ask(0)).born;
    now += 10s;
    seq = 50;
    const auto answer = decide(ask(1));
    EXPECT_NE(answer.born, first);
    EXPECT_EQ(answer.turns[0].limit, "recovery");
    EXPECT_GT(answer.seq, 50U);
}

TEST_F(BudgetRules, ForgetNothingThatAnotherAskerOfALostStateHasTold) {
    peers = 1;
    const auto fresh = decide(ask(0)).born;
    auto other = ask(0);
    other.instance = "two";
    other.born = 1;  // Of the state that was lost, and which had come further.
    other.seq = 5000;
    for (int i = 0; i < 20; ++i)
        other.ended.push_back({.permit = {}, .chat = -1, .posted = true, .ago = 10s});
    const auto answer = rules.decide(now, other);
    EXPECT_EQ(answer.born, fresh) << "or all would tell it again";
    now += 4s;
    EXPECT_EQ(turn().limit, "group");
}

TEST_F(BudgetRules, WaitForTheMemoryOfTheOnlyOneWhoAsks) {
    seq = 7;
    EXPECT_EQ(turn().limit, "recovery");
}

TEST_F(BudgetRules, KeepTheLimitsOfAChatThatMovesWhileUploadsAreUnderWay) {
    limits.chat_per_second = 1000;
    std::vector<Turn> flying;
    for (int i = 0; i < 12; ++i)
        flying.push_back(turn());
    tell({.what = Told::What::moved, .chat = -1, .wait = {}, .to = -1001});
    for (const auto& one : flying) {
        now += 10ms;
        end(one);
    }
    int more = 0;
    for (auto next = turn(); next.chat; next = turn()) {
        now += *next.wait + 10ms;
        end(next);
        ++more;
    }
    EXPECT_EQ(more, 20 - 12);
}

TEST_F(BudgetRules, CountAMessageForTheChatItReallyWentTo) {
    chats = {-1, -2};
    auto asked = ask(1);
    const auto given = decide(asked).turns.at(0);  // An answer that its asker never got.
    auto told = ask(0);
    told.held.push_back({.permit = given.permit, .chat = -2, .bytes = 1000, .hold = 30s});
    (void)decide(told);
    told = ask(0);
    for (int i = 0; i < 19; ++i)
        told.ended.push_back({.permit = {}, .chat = -2, .posted = true});
    told.ended.push_back({.permit = given.permit, .chat = -2, .posted = true});
    (void)decide(told);
    now += 1s;
    chats = {-2};
    EXPECT_EQ(turn().limit, "group");
    chats = {-1};
    limits.chat_per_second = 1000;
    EXPECT_EQ(take_all(30).size(), 20U);
}

TEST_F(BudgetRules, TakeAPermitThatIsAskedForTwiceOnce) {
    chats = {77};
    limits.chat_per_second = 0.25;  // One in flight.
    limits.most_in_flight = 2;
    auto asked = ask(1);
    ASSERT_TRUE(decide(asked).turns.at(0).chat);
    now += 5s;
    auto again = ask(0);
    again.wanted = asked.wanted;
    (void)decide(again);
    auto over = ask(0);
    over.ended.push_back({asked.wanted[0].permit, 77, true});
    (void)decide(over);
    now += 5s;
    EXPECT_TRUE(turn().chat);
}

TEST_F(BudgetRules, KnowWhatTheChatsTakeInTheLongRun) {
    chats = {-1, -2, -3};
    EXPECT_NEAR(decide(ask(0)).per_second, 1.0, 0.001);
    tell({.what = Told::What::refused, .chat = -1});
    EXPECT_NEAR(decide(ask(0)).per_second, 2.0 / 3, 0.001);
    for (int chat = 10; chat < 500; ++chat)
        chats.push_back(-chat);
    EXPECT_NEAR(decide(ask(0)).per_second, 30, 0.001);
}

// Whatever an upload takes: no window of a minute holds more than twenty messages of a group, and
// nearly all that may be sent is sent.
TEST_F(BudgetRules, HoldTheLimitsForUploadsOfAnyLength) {
    chats = {-1, -2, -3, -4};
    std::uint64_t chance = 12345;
    const auto random = [&chance](std::uint64_t below) {
        chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
        return (chance >> 33U) % below;
    };
    std::multimap<milliseconds, std::pair<Turn, bool>> coming;  // At its time: arrived, or ended.
    std::map<std::int64_t, std::vector<milliseconds>> arrived;
    std::size_t sent = 0;
    const auto began = now;
    while (sent < 800) {
        auto request = ask(4);
        while (!coming.empty() && coming.begin()->first <= now) {
            const auto [at, what] = *coming.begin();
            coming.erase(coming.begin());
            if (!what.second) {
                arrived[*what.first.chat].push_back(at);
            } else {
                request.ended.push_back({.permit = what.first.permit,
                                         .chat = *what.first.chat,
                                         .posted = true,
                                         .ago = now - at});
            }
        }
        for (const auto& one : decide(request).turns) {
            if (!one.chat) continue;
            ++sent;
            const auto takes = milliseconds{50 + random(2000)};
            const auto starts = now + *one.wait;
            coming.emplace(starts + milliseconds{random(static_cast<std::uint64_t>(takes.count()))},
                           std::pair{one, false});
            coming.emplace(starts + takes, std::pair{one, true});
        }
        now += 100ms;
    }
    for (auto& [chat, times] : arrived) {
        std::ranges::sort(times);
        for (std::size_t i = 20; i < times.size(); ++i)
            EXPECT_GE(times[i] - times[i - 20], 60s) << "chat " << chat;
    }
    EXPECT_LT(now - began, 10min * 1.05);
}

}  // namespace
}  // namespace prewarm::budget
