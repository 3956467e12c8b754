#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include "common/redis/keys.hpp"
#include "consumer/adapters/redis_invalidator.hpp"
#include "tests/integration/redis/redis_test.hpp"
#include "tests/support/redis_server.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using redis::Reply;

// A server of its own: what is published there is published to everybody.
class InvalidatorTest : public test::RedisTest {
protected:
    InvalidatorTest() {
        ready.media = {"bot", sha256_of("content"), MediaKind::video_note};
        ready.version = 3;
    }

    /// Runs `with(connection, invalidator)`.
    template <class With>
    void invalidating(With with) {
        run(at(server.port()), {}, [&](redis::Connection& connection) -> asio::awaitable<void> {
            RedisInvalidator invalidator{connection, templates};
            co_await with(connection, invalidator);
        });
    }

    asio::awaitable<void> set(redis::Connection& connection, std::vector<std::string> keys) {
        for (const auto& key : keys)
            EXPECT_TRUE(co_await connection.command({"SET", key, "old"}));
    }

    asio::awaitable<std::int64_t> count(redis::Connection& connection) {
        co_return *(co_await connection.command({"DBSIZE"})).value().integer();
    }

    test::RedisServer server;
    std::vector<std::string> templates;
    ReadyMedia ready;
};

TEST(ExpandCacheKey, ReplacesOnlyWhatItKnows) {
    const MediaKey media{"bot", sha256_of(""), MediaKind::photo};
    EXPECT_EQ(expand_cache_key("app:{{bot_slug}:{kind}}:{sha256}:{other}{", media),
              "app:{bot:photo}:" + media.sha256.hex() + ":{other}{");
    EXPECT_EQ(expand_cache_key("", media), "");
}

TEST_F(InvalidatorTest, DeletesEveryKeyOfTheMedia) {
    templates = {"app:{bot_slug}:{kind}"};
    ready.cache_keys = {"mine:1", "mine:2", "not there"};
    invalidating([&](auto& connection, auto& invalidator) -> asio::awaitable<void> {
        co_await set(connection, {"mine:1", "mine:2", "app:bot:video_note", "other",
                                  redis::media_key(ready.media)});
        EXPECT_TRUE(co_await invalidator.invalidate(ready));
        EXPECT_EQ((co_await connection.command({"GET", "other"})).value(),
                  Reply{std::string{"old"}});
        EXPECT_EQ((co_await connection.command({"GET", redis::version_key(ready.media)})).value(),
                  Reply{std::string{"3"}});
        EXPECT_EQ(co_await count(connection), 2);
        EXPECT_TRUE(co_await invalidator.invalidate(ready));
    });
}

TEST_F(InvalidatorTest, DeletesMoreKeysThanFitOneBatch) {
    for (int key = 0; key < 1234; ++key)
        ready.cache_keys.push_back("key:" + std::to_string(key));
    invalidating([&](auto& connection, auto& invalidator) -> asio::awaitable<void> {
        co_await set(connection, ready.cache_keys);
        EXPECT_TRUE(co_await invalidator.invalidate(ready));
        EXPECT_EQ(co_await count(connection), 1);
    });
}

TEST_F(InvalidatorTest, OnlyRaisesTheVersion) {
    invalidating([&](auto& connection, auto& invalidator) -> asio::awaitable<void> {
        for (const auto& [version, known] :
             {std::pair{3U, "3"}, {2U, "3"}, {10U, "10"}, {9U, "10"}}) {
            ready.version = version;
            EXPECT_TRUE(co_await invalidator.invalidate(ready));
            EXPECT_EQ(
                (co_await connection.command({"GET", redis::version_key(ready.media)})).value(),
                Reply{std::string{known}});
        }
    });
}

TEST_F(InvalidatorTest, ReplacesAVersionThatIsNone) {
    invalidating([&](auto& connection, auto& invalidator) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await connection.command({"SADD", redis::version_key(ready.media), "x"}));
        EXPECT_TRUE(co_await invalidator.invalidate(ready));
        EXPECT_EQ((co_await connection.command({"GET", redis::version_key(ready.media)})).value(),
                  Reply{std::string{"3"}});
    });
}

TEST_F(InvalidatorTest, DeletesWhatATagOfFiveThousandNames) {
    ready.cache_tags = {"tag", "no such tag"};
    invalidating([&](auto& connection, auto& invalidator) -> asio::awaitable<void> {
        std::vector<redis::Command> commands;
        for (int key = 0; key < 5000; ++key) {
            const auto name = "tagged:" + std::to_string(key);
            commands.push_back({"SET", name, "old"});
            commands.push_back({"SADD", "tag", name});
        }
        EXPECT_TRUE(co_await connection.pipeline(commands));
        EXPECT_TRUE(co_await invalidator.invalidate(ready));
        EXPECT_EQ(co_await count(connection), 1);
    });
}

TEST_F(InvalidatorTest, LosesNoMemberThatIsAddedMeanwhile) {
    ready.cache_tags = {"tag"};
    invalidating([&](auto& connection, auto& invalidator) -> asio::awaitable<void> {
        bool done = false;
        int added = 0;
        const auto add = [&]() -> asio::awaitable<void> {
            redis::Connection other{loop.get_executor(), at(server.port())};
            while (!done) {
                const auto name = "tagged:" + std::to_string(added++);
                const std::vector<redis::Command> commands{{"SET", name, "old"},
                                                           {"SADD", "tag", name}};
                EXPECT_TRUE(co_await other.pipeline(commands));
            }
            co_await other.close();
        };
        TaskGroup adding{loop.get_executor()};
        adding.spawn(add());
        for (int time = 0; time < 200; ++time)
            EXPECT_TRUE(co_await invalidator.invalidate(ready));
        done = true;
        EXPECT_TRUE(co_await adding.join(Deadline::max()));
        EXPECT_GT(added, 200);
        // Whatever is left is a member still: the next invalidation gets it.
        EXPECT_TRUE(co_await invalidator.invalidate(ready));
        EXPECT_EQ(co_await count(connection), 1);
    });
}

TEST_F(InvalidatorTest, GoesOnAfterATagThatIsNoSet) {
    ready.cache_tags = {"a string", "tag"};
    invalidating([&](auto& connection, auto& invalidator) -> asio::awaitable<void> {
        co_await set(connection, {"a string", "tagged"});
        EXPECT_TRUE(co_await connection.command({"SADD", "tag", "tagged"}));
        EXPECT_TRUE(co_await invalidator.invalidate(ready));
        EXPECT_TRUE((co_await connection.command({"GET", "tagged"})).value().is_nil());
        EXPECT_EQ((co_await connection.command({"GET", "a string"})).value(),
                  Reply{std::string{"old"}});
    });
}

TEST_F(InvalidatorTest, PublishesEachKey) {
    templates = {"app:{kind}"};
    ready.cache_keys = {"mine", "not there"};
    ready.cache_tags = {"tag"};
    invalidating([&](auto& connection, auto& invalidator) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await connection.command({"SADD", "tag", "tagged:1", "tagged:2"}));
        // Redis has no memory of what was published, so a listener is there from the beginning.
        asio::ip::tcp::socket listener{loop};
        co_await listener.async_connect({asio::ip::address_v4::loopback(), server.port()},
                                        asio::use_awaitable);
        co_await asio::async_write(
            listener, asio::buffer(std::string_view{"SUBSCRIBE prewarm:invalidated\r\n"}),
            asio::use_awaitable);
        std::string heard;
        const auto until = [&](std::string text) -> asio::awaitable<void> {
            std::array<char, 4096> bytes{};
            while (!heard.contains(text)) {
                const auto size =
                    co_await listener.async_read_some(asio::buffer(bytes), asio::use_awaitable);
                heard.append(bytes.data(), size);
            }
        };
        co_await until("subscribe");
        EXPECT_TRUE(co_await invalidator.invalidate(ready));
        for (const auto& key :
             {redis::media_key(ready.media), std::string{"app:video_note"}, std::string{"mine"},
              std::string{"not there"}, std::string{"tagged:1"}, std::string{"tagged:2"}}) {
            co_await until("\r\n" + key + "\r\n");
        }
    });
}

TEST_F(InvalidatorTest, SaysThatRedisIsAwayAndWorksWhenItIsBack) {
    ready.cache_keys = {"mine"};
    invalidating([&](auto& connection, auto& invalidator) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await connection.command({"PING"}));
        server.kill();
        const auto away = co_await invalidator.invalidate(ready);
        EXPECT_FALSE(away);
        EXPECT_EQ(away.error().kind, FailureKind::unavailable);
        server.start();
        while (!co_await invalidator.invalidate(ready))
            co_await sleep_for(5ms);
        EXPECT_EQ((co_await connection.command({"GET", redis::version_key(ready.media)})).value(),
                  Reply{std::string{"3"}});
    });
}

}  // namespace
}  // namespace prewarm
