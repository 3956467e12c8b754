#include "consumer/budget/line.hpp"

#include <boost/asio/co_spawn.hpp>
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
using ::testing::SizeIs;

class LineTest : public ::testing::Test {
protected:
    Line line_with(budget::Limits limits, std::chrono::milliseconds horizon = 2000ms) {
        return Line{
            {.executor = loop.get_executor(),
             .tasks = tasks,
             .clock = clock,
             .ask = [this](const budget::Request& request) { return ask(request); },
             .chats = [this] { return chats; },
             .free_slots = [this] { return free_slots; },
             .on_wait = [this](std::string_view limit, auto) { waited_for.emplace_back(limit); },
             .may_share_album = [this](const Upload&) { return albums; },
             .on_left_album = [this](const warm::Album& album) { left.push_back(album); }},
            {.instance = "one",
             .bot_slug = "shop",
             .limits = limits,
             .most_waiting = 8,
             .horizon = horizon,
             .grace = 300ms}};
    }

    Task<budget::Answer> ask(budget::Request request) {
        questions.push_back(request);
        do
            co_await sleep_for(1ms);
        while (!answers);
        if (is_away) co_return Failure{FailureKind::unavailable, "Redis is away"};
        const auto now =
            std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch());
        co_return state->decide(now, request);
    }

    static Upload upload_of(std::uint64_t bytes) { return {.bytes = bytes}; }

    /// Runs `body`, and then lets go of all that still waits.
    template <class Body>
    void run(Body body) {
        test::run_to_end(loop, [&]() -> asio::awaitable<void> {
            co_await body();
            tasks.cancel_all();
            jobs.cancel_all();
            co_await jobs.join(deadline_in(5s));
            co_await tasks.join(deadline_in(5s));
        }());
    }

    /// Notes how the wait ended.
    asio::awaitable<void> note_turn(Line& line, Upload upload) {
        auto turn = co_await line.wait(upload);
        order.push_back(upload.bytes);
        turns.push_back(std::move(turn));
    }
    /// Nobody is asked for before all of them wait.
    asio::awaitable<void> gather(Line& line, TaskGroup& group, std::size_t count) {
        free_slots = 0;
        const auto waiting = line.waiting() + count;
        for (std::size_t i = 0; i < count; ++i)
            group.spawn(note_turn(line, upload_of(10)));
        while (line.waiting() < waiting)
            co_await sleep_for(1ms);
    }
    void ask_for_all(Line& line) {
        free_slots = 100;
        line.look_again();
    }
    asio::awaitable<void> until(std::size_t count) {
        while (turns.size() < count)
            co_await sleep_for(1ms);
    }

    asio::io_context loop;
    SteadyClock clock;
    TaskGroup tasks{loop.get_executor()};
    TaskGroup jobs{loop.get_executor()};
    std::optional<budget::Rules> state{std::in_place};
    std::vector<std::int64_t> chats{-1, -2};
    std::size_t free_slots = 100;
    bool is_away = false;
    bool answers = true;
    bool albums = false;
    std::vector<budget::Request> questions;
    std::vector<std::string> waited_for;
    std::vector<warm::Album> left;
    std::vector<std::uint64_t> order;
    std::vector<Result<warm::Turn>> turns;
    budget::Limits quick{
        .bot_per_second = 10'000, .chat_per_second = 10'000, .group_per_minute = 20};
};

TEST_F(LineTest, GivesATurnAndTellsHowItEnded) {
    auto line = line_with(quick);
    run([&]() -> asio::awaitable<void> {
        const auto upload = upload_of(10);
        const auto turn = co_await line.wait(upload);
        EXPECT_EQ(turn->chat_id, -1);
        EXPECT_EQ(line.in_flight(), 1U);
        line.ended(*turn, warm::Posted::yes);
        EXPECT_EQ(line.in_flight(), 0U);
        const auto next = co_await line.wait(upload);
        EXPECT_EQ(next->chat_id, -2) << "the one with less to do";
        EXPECT_THAT(questions, SizeIs(2));
        EXPECT_THAT(questions[1].ended, SizeIs(1));
        EXPECT_TRUE(questions[1].ended[0].posted);
    });
}

TEST_F(LineTest, AsksOnceForAllThatWait) {
    auto line = line_with(quick);
    run([&]() -> asio::awaitable<void> {
        for (int i = 0; i < 8; ++i)
            jobs.spawn(note_turn(line, upload_of(10)));
        co_await until(8);
        EXPECT_LE(questions.size(), 2U);
    });
}

TEST_F(LineTest, LetsSmallOnesGoFirst) {
    auto line = line_with(quick);
    free_slots = 0;
    run([&]() -> asio::awaitable<void> {
        for (const std::uint64_t bytes : {5'000'000U, 6'000'000U, 10U, 20U})
            jobs.spawn(note_turn(line, upload_of(bytes)));
        co_await sleep_for(5ms);
        EXPECT_THAT(turns, IsEmpty());
        free_slots = 1;
        for (std::size_t count = 1; count <= 4; ++count) {
            line.look_again();
            co_await until(count);
        }
        EXPECT_THAT(order, ElementsAre(10, 20, 5'000'000, 6'000'000));
    });
}

TEST_F(LineTest, SaysWhoMayGoTogether) {
    auto line = line_with(quick);
    albums = true;
    run([&]() -> asio::awaitable<void> {
        co_await gather(line, jobs, 8);
        ask_for_all(line);
        co_await until(8);
        for (const auto& turn : turns) {
            EXPECT_EQ(turn->chat_id, turns[0]->chat_id);
            EXPECT_EQ(turn->album, (warm::Album{.id = "shop/one:1", .size = 8}));
        }
        EXPECT_THAT(left, IsEmpty());
    });
}

TEST_F(LineTest, TellsOfAMemberWhoseTurnComesWhenItIsGone) {
    auto line = line_with(quick);
    albums = true;
    run([&]() -> asio::awaitable<void> {
        TaskGroup impatient{loop.get_executor()};
        answers = false;
        co_await gather(line, impatient, 1);
        co_await gather(line, jobs, 2);
        ask_for_all(line);
        while (questions.empty())
            co_await sleep_for(1ms);
        impatient.cancel_all();
        co_await impatient.join(deadline_in(5s));
        answers = true;
        co_await until(2);
        EXPECT_THAT(left, ElementsAre(*turns[0]->album));
        EXPECT_EQ(turns[1]->album->size, 3U);
        EXPECT_EQ(line.in_flight(), 2U);
    });
}

TEST_F(LineTest, TellsOfAMemberThatGoesBeforeItsTurn) {
    quick.bot_per_second = 2;  // So an album of two is up to half a second off.
    auto line = line_with(quick);
    albums = true;
    run([&]() -> asio::awaitable<void> {
        co_await gather(line, jobs, 4);
        ask_for_all(line);
        while (line.in_flight() < 4)
            co_await sleep_for(1ms);
        jobs.cancel_all();
        co_await jobs.join(deadline_in(5s));
        const warm::Album album{.id = "shop/one:1", .size = 4};
        EXPECT_THAT(left, ElementsAre(album, album, album, album));
        EXPECT_EQ(line.in_flight(), 0U);
    });
}

TEST_F(LineTest, SaysHowFarOffATurnIs) {
    chats = {-1};
    quick.group_per_minute = 1;
    auto line = line_with(quick);
    run([&]() -> asio::awaitable<void> {
        const auto upload = upload_of(10);
        const auto turn = co_await line.wait(upload);
        line.ended(*turn, warm::Posted::yes);
        const auto next = co_await line.wait(upload);
        EXPECT_FALSE(next);
        EXPECT_EQ(next.error().kind, FailureKind::throttled);
        EXPECT_GT(*next.error().retry_after, 50s);
        EXPECT_EQ(waited_for.back(), "group");
    });
}

TEST_F(LineTest, LetsOnlySoManyWait) {
    auto line = line_with(quick);
    free_slots = 0;
    run([&]() -> asio::awaitable<void> {
        for (int i = 0; i < 8; ++i)
            jobs.spawn(note_turn(line, upload_of(10)));
        co_await sleep_for(5ms);
        const auto upload = upload_of(10);
        const auto one_more = co_await line.wait(upload);
        EXPECT_EQ(one_more.error().kind, FailureKind::throttled);
        EXPECT_THAT(questions, IsEmpty());
    });
}

TEST_F(LineTest, GivesBackATurnThatNobodyWaitsForAnyMore) {
    chats = {-1};
    quick.chat_per_second = 2;  // The second one's turn is half a second off.
    auto line = line_with(quick);
    run([&]() -> asio::awaitable<void> {
        jobs.spawn(note_turn(line, upload_of(10)));
        jobs.spawn(note_turn(line, upload_of(10)));
        co_await until(1);
        while (line.in_flight() < 2)
            co_await sleep_for(1ms);
        jobs.cancel_all();
        co_await jobs.join(deadline_in(5s));
        EXPECT_EQ(line.in_flight(), 1U);
        while (questions.back().ended.empty())
            co_await sleep_for(10ms);
        EXPECT_FALSE(questions.back().ended[0].posted);
    });
}

TEST_F(LineTest, SendsAwayWhoWaitsTooLongForOthersToEnd) {
    chats = {-1};
    quick.group_per_minute = 1;
    auto line = line_with(quick, 100ms);
    run([&]() -> asio::awaitable<void> {
        const auto upload = upload_of(10);
        const auto held = co_await line.wait(upload);
        EXPECT_TRUE(held);
        const auto next = co_await line.wait(upload);
        EXPECT_EQ(next.error().kind, FailureKind::throttled);
    });
}

TEST_F(LineTest, UsesASafePartWhileTheSharedStateIsAway) {
    auto line = line_with(quick);
    is_away = true;
    run([&]() -> asio::awaitable<void> {
        const auto upload = upload_of(10);
        std::size_t taken = 0;
        for (auto turn = co_await line.wait(upload); turn; turn = co_await line.wait(upload)) {
            ++taken;
            line.ended(*turn, warm::Posted::yes);
        }
        // Half of twenty, for each of two chats.
        EXPECT_EQ(taken, 20U);
        is_away = false;
        const auto turn = co_await line.wait(upload);
        EXPECT_TRUE(turn);
        EXPECT_THAT(questions.back().ended, SizeIs(20)) << "it is told what was sent meanwhile";
    });
}

TEST_F(LineTest, TellsAStateThatWasLostOfARestThatIsNotOver) {
    auto line = line_with(quick);
    run([&]() -> asio::awaitable<void> {
        const auto upload = upload_of(10);
        const auto turn = co_await line.wait(upload);
        line.tell({.what = budget::Told::What::throttled, .chat = -1, .wait = 1h});
        line.tell({.what = budget::Told::What::throttled, .chat = -2, .wait = 100ms});
        line.ended(*turn, warm::Posted::yes);
        co_await sleep_for(200ms);
        state.emplace();
        (void)co_await line.wait(upload);  // Notices, and is too early.
        co_await sleep_for(400ms);
        const auto next = co_await line.wait(upload);
        EXPECT_EQ(next->chat_id, -2) << "the other one rests";
    });
}

TEST_F(LineTest, ATurnThatWasGivenIsNotUsedWhereItsChatRestsMeanwhile) {
    auto limits = quick;
    limits.chat_per_second = 5;
    auto line = line_with(limits);
    chats = {-1};
    run([&]() -> asio::awaitable<void> {
        jobs.spawn(note_turn(line, upload_of(10)));
        jobs.spawn(note_turn(line, upload_of(20)));
        co_await until(1);
        chats = {-1, -2};
        line.tell({.what = budget::Told::What::throttled, .chat = -1, .wait = 1h});
        co_await until(2);
        EXPECT_EQ(turns.at(0)->chat_id, -1);
        EXPECT_EQ(turns.at(1)->chat_id, -2);
        EXPECT_EQ(line.in_flight(), 2U);
    });
}

TEST_F(LineTest, ObservesARestWhileTheSharedStateIsAway) {
    auto line = line_with(quick);
    run([&]() -> asio::awaitable<void> {
        const auto upload = upload_of(10);
        line.tell({.what = budget::Told::What::throttled, .chat = -1, .wait = 1h});
        const auto turn = co_await line.wait(upload);
        is_away = true;
        EXPECT_EQ((co_await line.wait(upload))->chat_id, -2);
        EXPECT_EQ((co_await line.wait(upload))->chat_id, -2);
        std::size_t told = 0;
        for (const auto& question : questions)
            told += question.told.size();
        EXPECT_EQ(told, 1U);
    });
}

TEST_F(LineTest, CountsWhatIsInFlightWhenTheSharedStateGoes) {
    auto line = line_with(quick);
    run([&]() -> asio::awaitable<void> {
        const auto upload = upload_of(10);
        std::vector<warm::Turn> held;
        for (int i = 0; i < 9; ++i)
            held.push_back(*co_await line.wait(upload));
        is_away = true;
        std::size_t more = 0;
        for (auto turn = co_await line.wait(upload); turn; turn = co_await line.wait(upload)) {
            ++more;
            line.ended(*turn, warm::Posted::yes);
        }
        EXPECT_EQ(more, 20U - 9);
    });
}

TEST_F(LineTest, HoldsBackWhereOthersSentInTheLastMinute) {
    auto line = line_with(quick);
    run([&]() -> asio::awaitable<void> {
        const auto upload = upload_of(10);
        const auto now =
            std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch());
        (void)state->decide(now, {.instance = "another", .limits = quick, .chats = chats});
        line.ended(*co_await line.wait(upload), warm::Posted::yes);
        is_away = true;
        const auto turn = co_await line.wait(upload);
        EXPECT_EQ(turn.error().kind, FailureKind::throttled);
        EXPECT_LE(*turn.error().retry_after, 2s) << "it may be back at any moment";
    });
}

TEST_F(LineTest, TellsAStateThatWasLostWhatItHadSent) {
    auto line = line_with(quick);
    run([&]() -> asio::awaitable<void> {
        const auto upload = upload_of(10);
        for (int i = 0; i < 30; ++i) {
            const auto turn = co_await line.wait(upload);
            line.ended(*turn, warm::Posted::yes);
        }
        const auto held = co_await line.wait(upload);
        state.emplace();
        int more = 0;
        while (co_await line.wait(upload))
            ++more;
        EXPECT_EQ(more, 40 - 31);
    });
}

}  // namespace
}  // namespace prewarm
