// What a Redis that is away, silent, or will not have us looks like.
#include <gmock/gmock.h>

#include "tests/integration/redis/redis_test.hpp"
#include "tests/support/redis_server.hpp"

namespace prewarm::redis {
namespace {

using namespace std::chrono_literals;
using test::is_string;
using test::RedisServer;
using testing::HasSubstr;
using testing::Not;

class OutageTest : public test::RedisTest {
protected:
    /// Goes on until commands succeed; ctest's time limit ends a wait in vain.
    asio::awaitable<void> until_it_recovers(Connection& redis) {
        while (!co_await redis.command({"PING"}))
            co_await sleep_for(5ms);
    }

    asio::awaitable<void> expect_misconfigured(Connection& redis, std::string text) {
        const auto refused = co_await redis.command({"PING"});
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(refused.error().detail, HasSubstr(text));
        EXPECT_THAT(refused.error().detail, Not(HasSubstr("hunter2")));
    }
};

TEST_F(OutageTest, SaysUnavailableWhileItIsAway) {
    RedisServer server;
    run(at(server.port()), {}, [&](Connection& redis) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await redis.command({"PING"}));
        server.kill();
        // Far more than there is time for, if each tried to connect and waited for it.
        for (int call = 0; call < 10'000; ++call) {
            const auto away = co_await redis.command({"PING"});
            EXPECT_FALSE(away);
            EXPECT_EQ(away.error().kind, FailureKind::unavailable);
        }
        EXPECT_FALSE(redis.connected());
        server.start();
        co_await until_it_recovers(redis);
        EXPECT_TRUE(redis.connected());
    });
}

TEST_F(OutageTest, SaysUnavailableWhileItIsSilent) {
    RedisServer server;
    ConnectionOptions hasty;
    hasty.connect_timeout = 300ms;
    hasty.command_timeout = 200ms;
    run(at(server.port()), hasty, [&](Connection& redis) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await redis.command({"PING"}));
        server.freeze();
        int ended = 0;
        int unavailable = 0;
        const auto one = [&]() -> asio::awaitable<void> {
            for (int call = 0; call < 10; ++call) {
                const auto silent = co_await redis.command({"PING"});
                if (!silent && silent.error().kind == FailureKind::unavailable) ++unavailable;
            }
            ++ended;
        };
        for (int caller = 0; caller < 100; ++caller)
            asio::co_spawn(loop, one(), asio::detached);
        while (ended < 100)
            co_await sleep_for(1ms);
        EXPECT_EQ(unavailable, 1000);
        server.thaw();
        co_await until_it_recovers(redis);
    });
}

TEST_F(OutageTest, LogsIn) {
    RedisServer server{{"--requirepass", "hunter2", "--user", "me", "on", ">other", "~*", "+@all"}};
    auto address = at(server.port());
    address.password = Secret{"hunter2"};
    address.database = 3;
    run(address, {}, [&](Connection& redis) -> asio::awaitable<void> {
        EXPECT_TRUE(is_string(co_await redis.command({"SET", "key", "in 3"}), "OK"));
        EXPECT_TRUE(is_string(co_await redis.command({"ACL", "WHOAMI"}), "default"));
    });
    address.user = "me";
    address.password = Secret{"other"};
    run(address, {}, [&](Connection& redis) -> asio::awaitable<void> {
        EXPECT_TRUE(is_string(co_await redis.command({"GET", "key"}), "in 3"));
        EXPECT_TRUE(is_string(co_await redis.command({"ACL", "WHOAMI"}), "me"));
    });
}

TEST_F(OutageTest, SaysWhatIsWrongWithOurPassword) {
    RedisServer server{{"--requirepass", "right"}};
    auto address = at(server.port());
    run(address, {}, [&](Connection& redis) -> asio::awaitable<void> {
        co_await expect_misconfigured(redis, "NOAUTH");
    });
    address.password = Secret{"hunter2"};
    run(address, {}, [&](Connection& redis) -> asio::awaitable<void> {
        co_await expect_misconfigured(redis, "WRONGPASS");
    });
}

TEST_F(OutageTest, SaysThatNoPasswordIsWanted) {
    RedisServer server;
    auto address = at(server.port());
    address.password = Secret{"hunter2"};
    run(address, {}, [&](Connection& redis) -> asio::awaitable<void> {
        co_await expect_misconfigured(redis, "without any password configured");
    });
}

TEST_F(OutageTest, SaysThatThereIsNoSuchDatabase) {
    RedisServer server{{"--databases", "2"}};
    auto address = at(server.port());
    address.database = 5;
    run(address, {}, [&](Connection& redis) -> asio::awaitable<void> {
        co_await expect_misconfigured(redis, "out of range");
    });
}

TEST_F(OutageTest, IsUnavailableToOneClientTooMany) {
    RedisServer server{{"--maxclients", "1"}};
    run(at(server.port()), {}, [&](Connection& first) -> asio::awaitable<void> {
        // The server's own probe of its port may still count as a client.
        co_await until_it_recovers(first);
        Connection second{loop.get_executor(), at(server.port())};
        const auto refused = co_await second.command({"PING"});
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, FailureKind::unavailable);
        EXPECT_THAT(refused.error().detail, HasSubstr("max number of clients"));
        co_await second.close();
    });
}

TEST_F(OutageTest, IsUnavailableWhenItsMemoryIsFull) {
    RedisServer server{{"--maxmemory", "1"}};
    run(at(server.port()), {}, [&](Connection& redis) -> asio::awaitable<void> {
        const auto full = co_await redis.command({"SET", "key", "value"});
        EXPECT_FALSE(full);
        EXPECT_EQ(full.error().kind, FailureKind::unavailable);
    });
}

TEST_F(OutageTest, LeavesAReplicaForTheNewPrimary) {
    RedisServer server;
    run(at(server.port()), {}, [&](Connection& redis) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await redis.command({"REPLICAOF", "127.0.0.1", "1"}));
        const auto refused = co_await redis.command({"SET", "key", "value"});
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, FailureKind::unavailable);
        EXPECT_FALSE(redis.connected());
        EXPECT_TRUE(co_await redis.command({"REPLICAOF", "NO", "ONE"}));
        EXPECT_TRUE(co_await redis.command({"SET", "key", "value"}));
    });
}

TEST_F(OutageTest, SaysWhereItLooked) {
    run(at(1), {}, [&](Connection& redis) -> asio::awaitable<void> {
        const auto refused = co_await redis.command({"PING"});
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, FailureKind::unavailable);
        EXPECT_THAT(refused.error().detail, HasSubstr("127.0.0.1:1"));
    });
}

}  // namespace
}  // namespace prewarm::redis
