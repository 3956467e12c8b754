#include <gmock/gmock.h>

#include "tests/integration/redis/redis_test.hpp"

namespace prewarm::redis {
namespace {

using namespace std::chrono_literals;
using test::is_string;
using testing::HasSubstr;

class ConnectionTest : public test::RedisTest {
protected:
    /// Waits until `count` coroutines that were spawned have ended.
    asio::awaitable<void> until(const int& count, int wanted) {
        while (count < wanted)
            co_await sleep_for(1ms);
    }
};

TEST_F(ConnectionTest, AnswersCommands) {
    run([&](Connection& redis) -> asio::awaitable<void> {
        EXPECT_FALSE(redis.connected());
        EXPECT_TRUE(is_string(co_await redis.command({"SET", key(), "a\r\n\xFF"}), "OK"));
        EXPECT_TRUE(is_string(co_await redis.command({"GET", key()}), "a\r\n\xFF"));
        EXPECT_TRUE(redis.connected());
        EXPECT_EQ((co_await redis.command({"DEL", key()})).value(), Reply{std::int64_t{1}});
        EXPECT_TRUE((co_await redis.command({"GET", key()})).value().is_nil());
    });
}

TEST_F(ConnectionTest, MakesFailuresOfErrors) {
    run([&](Connection& redis) -> asio::awaitable<void> {
        const auto refused = co_await redis.command({"NONSENSE"});
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, FailureKind::refused);
        EXPECT_THAT(refused.error().detail, HasSubstr("unknown command"));
        EXPECT_TRUE(redis.connected());
    });
}

TEST_F(ConnectionTest, LeavesErrorsInTheirPlacesInAPipeline) {
    run([&](Connection& redis) -> asio::awaitable<void> {
        std::vector<Command> commands{
            {"SET", key(), "1"}, {"SADD", key(), "x"}, {"INCR", key()}, {"DEL", key()}};
        const auto replies = (co_await redis.pipeline(commands)).value();
        EXPECT_EQ(replies.size(), 4U);
        EXPECT_EQ(replies[0], Reply{std::string{"OK"}});
        EXPECT_EQ(replies[1].error()->code(), "WRONGTYPE");
        EXPECT_EQ(replies[2], Reply{std::int64_t{2}});
        EXPECT_TRUE((co_await redis.pipeline({})).value().empty());
    });
}

TEST_F(ConnectionTest, AnswersTenThousandAtOnceInOrder) {
    run([&](Connection& redis) -> asio::awaitable<void> {
        constexpr int commands = 10'000;
        int ended = 0;
        int right = 0;
        const auto one = [&](int number) -> asio::awaitable<void> {
            const auto text = std::to_string(number);
            if (is_string(co_await redis.command({"ECHO", text}), text)) ++right;
            ++ended;
        };
        for (int number = 0; number < commands; ++number)
            asio::co_spawn(loop, one(number), asio::detached);
        co_await until(ended, commands);
        EXPECT_EQ(right, commands);
    });
}

TEST_F(ConnectionTest, AnswersAPipelineOfTenThousandInOrder) {
    run([&](Connection& redis) -> asio::awaitable<void> {
        std::vector<Command> commands;
        for (int number = 0; number < 10'000; ++number)
            commands.push_back({"ECHO", std::to_string(number)});
        const auto replies = (co_await redis.pipeline(commands)).value();
        for (int number = 0; number < 10'000; ++number)
            EXPECT_EQ(replies[static_cast<std::size_t>(number)], Reply{std::to_string(number)});
    });
}

TEST_F(ConnectionTest, KeepsRepliesApartWhenSomeAreCancelled) {
    run([&](Connection& redis) -> asio::awaitable<void> {
        constexpr int commands = 3'000;
        TaskGroup cancelled{loop.get_executor()};
        int ended = 0;
        int right = 0;
        int finished = 0;
        const auto doomed = [&](int number) -> asio::awaitable<void> {
            (void)co_await redis.command({"ECHO", "doomed " + std::to_string(number)});
            ++finished;
        };
        const auto one = [&](int number) -> asio::awaitable<void> {
            const auto text = std::to_string(number);
            if (is_string(co_await redis.command({"ECHO", text}), text)) ++right;
            ++ended;
        };
        for (int number = 0; number < commands; ++number) {
            cancelled.spawn(doomed(number));
            asio::co_spawn(loop, one(number), asio::detached);
            if (number % 100 != 0) continue;
            // Some are connecting, some not yet sent, some on their way.
            cancelled.cancel_all();
            co_await sleep_for(0ms);
        }
        cancelled.cancel_all();
        co_await until(ended, commands);
        EXPECT_TRUE(co_await cancelled.join(Deadline::max()));
        EXPECT_EQ(right, commands);
        EXPECT_LT(finished, commands);
        EXPECT_TRUE(is_string(co_await redis.command({"ECHO", "last"}), "last"));
    });
}

TEST_F(ConnectionTest, ReconnectsForTheNextCommandAfterItWasKilled) {
    run([&](Connection& redis) -> asio::awaitable<void> {
        const auto id = *(co_await redis.command({"CLIENT", "ID"})).value().integer();
        // From another connection, as an operator would.
        Connection other{loop.get_executor(), shared()};
        EXPECT_TRUE(co_await other.command({"CLIENT", "KILL", "ID", std::to_string(id)}));
        co_await other.close();
        while (redis.connected())
            co_await sleep_for(1ms);
        EXPECT_TRUE(is_string(co_await redis.command({"ECHO", "again"}), "again"));
        EXPECT_NE(*(co_await redis.command({"CLIENT", "ID"})).value().integer(), id);
    });
}

TEST_F(ConnectionTest, FailsAllThatWaitWhenItIsKilled) {
    run([&](Connection& redis) -> asio::awaitable<void> {
        int ended = 0;
        int unavailable = 0;
        const auto one = [&]() -> asio::awaitable<void> {
            const auto lost = co_await redis.command({"BLPOP", key(), "0"});
            if (!lost && lost.error().kind == FailureKind::unavailable) ++unavailable;
            ++ended;
        };
        const auto id = *(co_await redis.command({"CLIENT", "ID"})).value().integer();
        for (int command = 0; command < 10; ++command)
            asio::co_spawn(loop, one(), asio::detached);
        Connection other{loop.get_executor(), shared()};
        EXPECT_TRUE(co_await other.command({"CLIENT", "KILL", "ID", std::to_string(id)}));
        co_await until(ended, 10);
        EXPECT_EQ(unavailable, 10);
        co_await other.close();
    });
}

TEST_F(ConnectionTest, GivesUpAStreamThatDoesNotAnswerInTime) {
    ConnectionOptions hasty;
    hasty.command_timeout = 200ms;
    run(shared(), hasty, [&](Connection& redis) -> asio::awaitable<void> {
        const auto late = co_await redis.command({"BLPOP", key(), "0"});
        EXPECT_FALSE(late);
        EXPECT_EQ(late.error().kind, FailureKind::unavailable);
        EXPECT_EQ(late.error().detail, "Redis: no answer in time");
        EXPECT_FALSE(redis.connected());
        EXPECT_TRUE(is_string(co_await redis.command({"ECHO", "again"}), "again"));
    });
}

TEST_F(ConnectionTest, RefusesAReplyThatIsTooLarge) {
    ConnectionOptions tight;
    tight.max_reply_bytes = 100'000;
    run(shared(), tight, [&](Connection& redis) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await redis.command({"SETRANGE", key(), "1000000", "x"}));
        const auto large = co_await redis.command({"GET", key()});
        EXPECT_FALSE(large);
        EXPECT_THAT(large.error().detail, HasSubstr("too large"));
        EXPECT_TRUE(co_await redis.command({"DEL", key()}));
    });
}

TEST_F(ConnectionTest, BoundsWhatWaitsToBeSent) {
    ConnectionOptions tight;
    tight.max_waiting_bytes = 1000;
    run(shared(), tight, [&](Connection& redis) -> asio::awaitable<void> {
        int ended = 0;
        int unavailable = 0;
        const auto one = [&]() -> asio::awaitable<void> {
            const auto sent = co_await redis.command({"ECHO", std::string(900, 'x')});
            if (!sent && sent.error().kind == FailureKind::unavailable) ++unavailable;
            ++ended;
        };
        for (int command = 0; command < 10; ++command)
            asio::co_spawn(loop, one(), asio::detached);
        co_await until(ended, 10);
        EXPECT_EQ(unavailable, 8);
    });
}

TEST_F(ConnectionTest, RunsScriptsThatTheServerForgot) {
    const Script script{"return {KEYS[1], ARGV[1], '" + key() + "'}"};
    run([&](Connection& redis) -> asio::awaitable<void> {
        for (int time = 0; time < 2; ++time) {
            const auto reply = co_await redis.eval(script, {key()}, {"argument"});
            EXPECT_TRUE(reply);
            EXPECT_EQ(reply->array()->at(0), Reply{key()});
            EXPECT_EQ(reply->array()->at(1), Reply{std::string{"argument"}});
        }
        const auto known = co_await redis.command({"SCRIPT", "EXISTS", script.sha1()});
        EXPECT_EQ(known->array()->at(0), Reply{std::int64_t{1}});
    });
}

TEST_F(ConnectionTest, FailsWhenItIsClosed) {
    run([&](Connection& redis) -> asio::awaitable<void> {
        int ended = 0;
        const auto one = [&]() -> asio::awaitable<void> {
            const auto lost = co_await redis.command({"BLPOP", key(), "0"});
            EXPECT_FALSE(lost);
            ++ended;
        };
        EXPECT_TRUE(co_await redis.command({"PING"}));
        asio::co_spawn(loop, one(), asio::detached);
        co_await sleep_for(1ms);
        co_await redis.close();
        co_await until(ended, 1);
        EXPECT_EQ((co_await redis.command({"PING"})).error().kind, FailureKind::unavailable);
    });
}

}  // namespace
}  // namespace prewarm::redis
