// What a real broker does not do on demand, from a script.
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/amqp/connection.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/unit/amqp/wire.hpp"

namespace prewarm::amqp {
namespace {

using namespace std::chrono_literals;
using namespace wire;
using testing::HasSubstr;

using Peer = test::Connection;

std::string start(const std::string& mechanisms = "AMQPLAIN PLAIN") {
    return method(
        0, 10, 10,
        number(0, 1) + number(9, 1) + number(0, 4) + long_text(mechanisms) + long_text("en_US"));
}
std::string open_ok() {
    return method(0, 10, 41, short_text(""));
}
std::string close(std::uint16_t channel, int code, const std::string& text) {
    return method(channel, channel == 0 ? 10 : 20, channel == 0 ? 50 : 40,
                  number(static_cast<std::uint64_t>(code), 2) + short_text(text) + number(0, 4));
}
std::string channel_open_ok() {
    return method(1, 20, 11, long_text(""));
}

/// The next frame's class, method and fields.
asio::awaitable<std::string> read_method(Peer& peer) {
    const auto head = co_await peer.read_bytes(7);
    std::size_t size = 0;
    for (const char byte : head.substr(3))
        size = size * 256 + static_cast<unsigned char>(byte);
    auto payload = co_await peer.read_bytes(size + 1);
    payload.pop_back();
    co_return payload;
}

asio::awaitable<void> shake_hands(Peer& peer) {
    co_await peer.read_bytes(8);
    co_await peer.write(start());
    co_await read_method(peer);
    co_await peer.write(tune());
    co_await read_method(peer);
    co_await read_method(peer);
    co_await peer.write(open_ok());
}

class ScriptedBrokerTest : public testing::Test {
protected:
    void run(test::ScriptedServer::Serve serve,
             std::function<asio::awaitable<void>(ConnectionOptions)> client) {
        test::ScriptedServer server{loop, std::move(serve)};
        ConnectionOptions options;
        options.brokers.push_back({.host = "127.0.0.1", .port = server.port()});
        options.name = "a test";
        const auto both = [&]() -> asio::awaitable<void> {
            co_await client(options);
            server.stop();
        };
        test::run_to_end(loop, both());
    }

    /// How `Connection::open` fails against this.
    Failure open_against(test::ScriptedServer::Serve serve) {
        Failure failure{FailureKind::transient, "connected"};
        run(std::move(serve), [&](ConnectionOptions options) -> asio::awaitable<void> {
            auto opened = co_await Connection::open(options);
            if (!opened) failure = opened.error();
        });
        return failure;
    }

    /// Why the connection is lost, after a handshake, to a peer that says this.
    Failure lost_after(std::string said) {
        Failure failure{FailureKind::transient, "not lost"};
        run(
            [&](Peer& peer) -> asio::awaitable<void> {
                co_await shake_hands(peer);
                co_await peer.write(said);
                co_await peer.read_bytes(1);  // Until the client goes.
            },
            [&](ConnectionOptions options) -> asio::awaitable<void> {
                auto opened = co_await Connection::open(options);
                failure = co_await (*opened)->lost();
            });
        return failure;
    }

    static Deadline soon() { return deadline_in(20s); }

    asio::io_context loop;
};

TEST_F(ScriptedBrokerTest, HearsWhatWeCanDoAndWhatWeWant) {
    std::string header, start_ok, tune_ok, open;
    run(
        [&](Peer& peer) -> asio::awaitable<void> {
            header = co_await peer.read_bytes(8);
            co_await peer.write(start());
            start_ok = co_await read_method(peer);
            co_await peer.write(tune());
            tune_ok = co_await read_method(peer);
            open = co_await read_method(peer);
            co_await peer.write(open_ok());
        },
        [](ConnectionOptions options) -> asio::awaitable<void> {
            options.brokers.front().user = "user";
            options.brokers.front().password = Secret{"secret"};
            options.brokers.front().vhost = "vhost";
            EXPECT_TRUE(co_await Connection::open(options));
        });
    EXPECT_EQ(header, std::string("AMQP\0\0\x9\x1", 8));
    for (const auto* capability : {"consumer_cancel_notify", "connection.blocked", "basic.nack",
                                   "publisher_confirms", "authentication_failure_close"})
        EXPECT_THAT(start_ok, HasSubstr(short_text(capability) + "t\1"));
    EXPECT_THAT(start_ok, HasSubstr(short_text("connection_name") + "S" + long_text("a test")));
    EXPECT_THAT(start_ok, testing::EndsWith(short_text("PLAIN") +
                                            long_text(std::string("\0user\0secret", 12)) +
                                            short_text("en_US")));
    EXPECT_EQ(tune_ok,
              number(10, 2) + number(31, 2) + number(64, 2) + number(131072, 4) + number(10, 2));
    EXPECT_THAT(open, HasSubstr(short_text("vhost")));
}

TEST_F(ScriptedBrokerTest, MayOfferNoPlainLogin) {
    const auto failure = open_against([](Peer& peer) -> asio::awaitable<void> {
        co_await peer.read_bytes(8);
        co_await peer.write(start("EXTERNAL"));
        co_await peer.read_bytes(1);
    });
    EXPECT_EQ(failure.kind, FailureKind::misconfigured);
    EXPECT_THAT(failure.detail, HasSubstr("PLAIN"));
}

TEST_F(ScriptedBrokerTest, MaySpeakAnotherProtocol) {
    const auto other_version = open_against([](Peer& peer) -> asio::awaitable<void> {
        co_await peer.read_bytes(8);
        co_await peer.write(std::string("AMQP\0\1\0\0", 8));
    });
    EXPECT_EQ(other_version.kind, FailureKind::misconfigured);
    EXPECT_THAT(other_version.detail, HasSubstr("does not speak AMQP 0-9-1"));

    const auto http = open_against([](Peer& peer) -> asio::awaitable<void> {
        co_await peer.read_bytes(8);
        co_await peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    EXPECT_EQ(http.kind, FailureKind::unavailable);
    EXPECT_THAT(http.detail, HasSubstr("no AMQP frame"));
}

TEST_F(ScriptedBrokerTest, MayHangUpAtAnyStepOfTheHandshake) {
    for (int steps = 0; steps < 3; ++steps) {
        const auto failure = open_against([steps](Peer& peer) -> asio::awaitable<void> {
            co_await peer.read_bytes(8);
            if (steps == 0) co_return;
            co_await peer.write(start());
            co_await read_method(peer);
            if (steps == 1) co_return;
            co_await peer.write(tune());
            co_await read_method(peer);
            co_await read_method(peer);
        });
        EXPECT_EQ(failure.kind, FailureKind::unavailable) << steps;
        EXPECT_THAT(failure.detail, HasSubstr("ended while it was being made")) << steps;
    }
}

TEST_F(ScriptedBrokerTest, ShowsThatItIsInAnAlarm) {
    std::vector<bool> changes;
    run(
        [&](Peer& peer) -> asio::awaitable<void> {
            co_await shake_hands(peer);
            co_await peer.write(method(0, 10, 60, short_text("low on memory")));
            co_await peer.write(method(0, 10, 61, ""));
            co_await peer.read_bytes(1);
        },
        [&](ConnectionOptions options) -> asio::awaitable<void> {
            auto connection = std::move(*co_await Connection::open(options));
            EXPECT_FALSE(connection->blocked());
            connection->on_blocked([&] { changes.push_back(connection->blocked()); });
            while (changes.size() < 2)
                co_await sleep_for(1ms);
        });
    EXPECT_EQ(changes, (std::vector<bool>{true, false}));
}

TEST_F(ScriptedBrokerTest, GetsAnAnswerWhenItClosesAChannel) {
    std::string answer;
    run(
        [&](Peer& peer) -> asio::awaitable<void> {
            co_await shake_hands(peer);
            co_await read_method(peer);
            co_await peer.write(channel_open_ok());
            co_await read_method(peer);
            co_await peer.write(close(1, 406, "PRECONDITION_FAILED - inequivalent arg"));
            answer = co_await read_method(peer);
            co_await read_method(peer);
            co_await peer.write(channel_open_ok());  // The number is free again.
            co_await peer.read_bytes(1);
        },
        [&](ConnectionOptions options) -> asio::awaitable<void> {
            auto connection = std::move(*co_await Connection::open(options));
            auto channel = co_await connection->open_channel(soon());
            const auto refused = co_await (*channel)->inspect_queue("queue", soon());
            EXPECT_EQ(refused.error().kind, FailureKind::refused);
            EXPECT_THAT(refused.error().detail, HasSubstr("406 PRECONDITION_FAILED - inequi"));
            EXPECT_TRUE(co_await connection->open_channel(soon()));
        });
    EXPECT_EQ(answer, number(20, 2) + number(41, 2));
}

TEST_F(ScriptedBrokerTest, MaySendNonsense) {
    for (const auto& nonsense :
         {std::string{"nonsense, nonsense"}, deliver(5, 1), body(0, "x"), header(0, 1),
          method(0, 10, 41, short_text("")), method(1, 20, 11, long_text("")),
          frame(1, 0, number(10, 2)), frame(1, 0, number(999, 2) + number(999, 2)),
          number(1, 1) + number(0, 2) + number(0xffffffff, 4)}) {
        EXPECT_EQ(lost_after(nonsense).kind, FailureKind::unavailable);
    }
}

TEST_F(ScriptedBrokerTest, MayCloseTheConnection) {
    EXPECT_THAT(lost_after(close(0, 320, "CONNECTION_FORCED - shutdown")).detail,
                HasSubstr("320 CONNECTION_FORCED - shutdown"));
}

TEST_F(ScriptedBrokerTest, IsNotWaitedForBeyondTheDeadlineWhenClosing) {
    run(
        [&](Peer& peer) -> asio::awaitable<void> {
            co_await shake_hands(peer);
            co_await read_method(peer);
            co_await peer.read_bytes(1);  // No close-ok, until the client goes.
        },
        [&](ConnectionOptions options) -> asio::awaitable<void> {
            auto connection = std::move(*co_await Connection::open(options));
            const auto closed = co_await connection->close(deadline_in(20ms));
            EXPECT_EQ(closed.error().kind, FailureKind::unavailable);
            EXPECT_FALSE(connection->is_open());
        });
}

}  // namespace
}  // namespace prewarm::amqp
