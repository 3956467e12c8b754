#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/budget/rules.hpp"
#include "sandbox/telegram/rate_limits.hpp"

namespace prewarm::budget {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// One bot; small photos that may go in albums, and others that may not.
class AlbumRules : public ::testing::Test {
protected:
    void want(Request& request, std::size_t messages, bool album = true, std::uint64_t bytes = 1000,
              std::int64_t chat = 0) {
        for (std::size_t i = 0; i < messages; ++i) {
            request.wanted.push_back({.permit = std::to_string(++permits),
                                      .bytes = bytes,
                                      .chat = chat,
                                      .hold = 30s,
                                      .album = album});
        }
    }
    Request question() const {
        return {.instance = "one",
                .seq = seq,
                .peers = 0,
                .limits = limits,
                .chats = chats,
                .ended = {},
                .held = {},
                .told = {},
                .wanted = {}};
    }
    Answer decide(const Request& request) {
        auto answer = rules.decide(now, request);
        seq = answer.seq;
        return answer;
    }
    std::vector<Turn> ask(std::size_t photos, std::uint64_t bytes = 1000) {
        auto request = question();
        want(request, photos, true, bytes);
        return decide(request).turns;
    }
    /// How many go in each album, by its id.
    static std::map<std::string, std::size_t> sizes_of(const std::vector<Turn>& turns) {
        std::map<std::string, std::size_t> sizes;
        for (const auto& turn : turns) {
            if (turn.album) ++sizes[turn.album->id];
        }
        return sizes;
    }

    Rules rules;
    Limits limits;
    std::vector<std::int64_t> chats{-1, -2, -3};
    milliseconds now{1'000'000};
    std::uint64_t seq = 0;
    std::size_t permits = 0;
};

TEST_F(AlbumRules, SendWhatAsksTogetherToOneChatAtOneTime) {
    const auto turns = ask(10);
    for (const auto& turn : turns) {
        EXPECT_EQ(turn.chat, -1);
        EXPECT_EQ(turn.wait, turns[0].wait);
        EXPECT_EQ(turn.album, (Album{"1", 10}));
    }
    EXPECT_EQ(turns[0].wait, 267ms) << "the tenth slot of the bot; the first one has begun";
}

TEST_F(AlbumRules, PutNoMoreThanTenIntoOne) {
    EXPECT_EQ(sizes_of(ask(16)), (std::map<std::string, std::size_t>{{"1", 10}, {"11", 6}}));
}

TEST_F(AlbumRules, SendALoneOneAsAlways) {
    EXPECT_EQ(ask(1)[0].album, std::nullopt);
    EXPECT_EQ(sizes_of(ask(11)), (std::map<std::string, std::size_t>{{"2", 10}}));
}

TEST_F(AlbumRules, LeaveOutWhoMayNotOrWantsAChatOfItsOwn) {
    auto request = question();
    want(request, 1);
    want(request, 1, false);
    want(request, 1);
    want(request, 1, true, 1000, -77);
    const auto turns = decide(request).turns;
    EXPECT_EQ(turns[0].album, (Album{"1", 2}));
    EXPECT_EQ(turns[1].album, std::nullopt);
    EXPECT_EQ(turns[2].album, (Album{"1", 2}));
    EXPECT_EQ(turns[3].album, std::nullopt);
    EXPECT_EQ(turns[3].chat, -77);
}

TEST_F(AlbumRules, CountEachAsAMessageOfItsGroup) {
    chats = {-1};
    const auto first = ask(16);
    EXPECT_EQ(sizes_of(first), (std::map<std::string, std::size_t>{{"1", 10}}))
        << "the chat's next message is ten seconds off";
    now += 11s;
    EXPECT_EQ(sizes_of(ask(16)).size(), 1U);
    now += 11s;
    const auto third = ask(1);
    EXPECT_FALSE(third[0].chat);
    EXPECT_EQ(third[0].limit, "group");
}

TEST_F(AlbumRules, FillAWindowToItsLastMessageOnly) {
    chats = {-1};
    limits.group_per_minute = 4;
    const auto turns = ask(10);
    EXPECT_EQ(sizes_of(turns), (std::map<std::string, std::size_t>{{"1", 4}}));
    EXPECT_FALSE(turns[4].chat);
}

TEST_F(AlbumRules, KeepTheBoundsOfWhatIsInFlight) {
    limits.most_in_flight = 7;
    EXPECT_EQ(sizes_of(ask(10)), (std::map<std::string, std::size_t>{{"1", 7}}));
}

TEST_F(AlbumRules, SendOneByOneToAPerson) {
    chats = {5};
    const auto turns = ask(3);
    EXPECT_TRUE(sizes_of(turns).empty());
    EXPECT_EQ(turns[1].wait, 1s);
}

TEST_F(AlbumRules, SpaceAlbumsOfTheSameTotalAndNotTheirMembers) {
    const auto turns = ask(4, 200'000);
    EXPECT_EQ(turns[0].wait, 67ms) << "the fourth slot";
    const auto second = ask(4, 200'000);
    EXPECT_EQ(second[0].wait, 267ms) << "0.2 s behind the first one of 800,000 bytes";
    EXPECT_EQ(second[0].limit, "same_size");
    EXPECT_EQ(ask(1, 800'000)[0].wait, 467ms) << "a single one of that size, likewise";
}

TEST_F(AlbumRules, HoldAMembersPermitFromWhenItGoes) {
    const auto turns = ask(10);
    now += *turns[0].wait + 30s;
    EXPECT_EQ(ask(1)[0].album, std::nullopt);
    // Nobody ended them: each is taken as sent.
    chats = {-1};
    now += 1s;
    EXPECT_EQ(sizes_of(ask(16)), (std::map<std::string, std::size_t>{{"12", 10}}));
    now += 20s;
    EXPECT_FALSE(ask(1)[0].chat);
}

// What the sandbox enforces is written apart from the rules.
class AlbumsAgainstTheSandbox : public AlbumRules, public ::testing::WithParamInterface<int> {
protected:
    struct Sending {
        milliseconds began;
        std::int64_t chat;
        std::vector<std::string> permits;
        milliseconds ends;
        std::uint64_t bytes;
    };
    static sandbox::RateLimiter::Time time_of(milliseconds at) {
        return sandbox::RateLimiter::Time{at};
    }
    std::uint64_t random(std::uint64_t below) {
        chance = chance * 6364136223846793005ULL + 1442695040888963407ULL;
        return (chance >> 33U) % below;
    }
    void send(const Request& request, const std::vector<Turn>& turns) {
        std::map<std::string, Sending> requests;
        for (std::size_t i = 0; i < turns.size(); ++i) {
            const auto& turn = turns[i];
            if (!turn.chat) continue;
            auto& sending = requests[turn.album ? turn.album->id : turn.permit];
            sending.began = now + *turn.wait;
            sending.chat = *turn.chat;
            sending.permits.push_back(turn.permit);
            sending.bytes += request.wanted[i].bytes;
        }
        for (auto& [id, sending] : requests) {
            const auto takes = milliseconds{50 + random(2000)};
            sending.ends = sending.began + takes;
            const auto posts =
                sending.began + milliseconds{random(static_cast<std::uint64_t>(takes.count()))};
            coming.emplace(posts, std::pair{sending, false});
            coming.emplace(sending.ends, std::pair{sending, true});
            sent += sending.permits.size();
            in_albums += sending.permits.size() > 1 ? sending.permits.size() : 0;
        }
    }

    sandbox::RateLimiter limiter{{}};
    std::multimap<milliseconds, std::pair<Sending, bool>> coming;  // At its time: posted, ended.
    std::size_t sent = 0;
    std::size_t in_albums = 0;
    std::uint64_t chance = 99;
};

TEST_P(AlbumsAgainstTheSandbox, BreakNoLimit) {
    chats.clear();
    for (int chat = 1; chat <= GetParam(); ++chat)
        chats.push_back(-chat);
    const auto began = now;
    std::size_t violations = 0;
    while (now - began < 5min) {
        auto request = question();
        while (!coming.empty() && coming.begin()->first <= now) {
            const auto [at, what] = *coming.begin();
            coming.erase(coming.begin());
            const auto& [sending, has_ended] = what;
            const auto messages = static_cast<unsigned>(sending.permits.size());
            if (!has_ended) {
                // All photos are of one size: so are many albums.
                const auto delay = limiter.delay_of_size(time_of(at), 1, sending.bytes);
                if (delay > sandbox::RateLimiter::longest_delay) ++violations;
                if (limiter.post(time_of(at), time_of(sending.began), 1, sending.chat, messages))
                    ++violations;
                continue;
            }
            for (const auto& permit : sending.permits)
                request.ended.push_back(
                    {.permit = permit, .chat = sending.chat, .posted = true, .ago = now - at});
        }
        want(request, random(17), true, 200'000);
        want(request, random(3), false, 3'000'000 + random(1000));
        send(request, decide(request).turns);
        now += 50ms;
    }
    EXPECT_EQ(violations, 0U);
    EXPECT_GT(in_albums, sent / 10);
    // Where there are many chats it is the time of an upload that bounds what is in flight.
    const auto most = GetParam() <= 40 ? GetParam() * 20 * 5 : 5'000;
    EXPECT_GT(sent, static_cast<std::size_t>(0.9 * most));
}

INSTANTIATE_TEST_SUITE_P(Chats, AlbumsAgainstTheSandbox, ::testing::Values(1, 4, 40, 150),
                         [](const auto& chats) { return std::to_string(chats.param); });

}  // namespace
}  // namespace prewarm::budget
