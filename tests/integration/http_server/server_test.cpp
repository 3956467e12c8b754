#include "common/http/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/http_server/raw_client.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::http {
namespace {

using namespace std::chrono_literals;
using test::RawClient;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A server that answers each path in its way, and a client that says what it likes.
class ServerTest : public testing::Test {
protected:
    /// Runs `work` with a client that is connected, then stops the server.
    template <class Work>
    void with_client(Work work) {
        Server server{loop.get_executor(), [this](Request& request) { return answer(request); },
                      options};
        const auto listening = server.listen("127.0.0.1:0");
        ASSERT_TRUE(listening) << listening.error().detail;
        auto run = [&]() -> asio::awaitable<void> {
            RawClient client{loop, server.port()};
            co_await work(client, server);
            client.hang_up();
            co_await server.stop(deadline_in(5s));
        };
        prewarm::test::run_to_end(loop, run());
    }

    asio::awaitable<Response> answer(Request& request) {
        ++requests;
        if (request.path == "/throw") throw std::runtime_error{"a bug"};
        if (request.path == "/unread") co_return respond(200, "text/plain", "unread");
        if (request.path == "/stream") co_return streamed(request);
        if (request.path == "/slow") {
            co_await sleep_for(slow);
            co_return respond(200, "text/plain", "slow");
        }
        if (request.path == "/no-content") co_return Response{.status = 204};
        if (request.path == "/resets") co_return Response{.hang_up = HangUp::resets};
        if (request.path == "/closes") {
            const auto body = co_await request.body->read_all(1'000'000);
            EXPECT_TRUE(body);
            co_return Response{.hang_up = HangUp::closes};
        }
        const auto body = co_await request.body->read_all(1'000'000);
        if (!body) {
            failures.push_back(body.error());
            co_return respond(400, "text/plain", "failed");
        }
        co_return respond(200, "text/plain", *body);
    }

    /// Ten bytes in pieces of four; fewer or a failure when asked for.
    Response streamed(const Request& request) {
        auto left = std::make_shared<std::string>("0123456789");
        if (request.parameter("short")) left->resize(6);
        auto piece = std::make_shared<std::string>();
        const bool fails = request.parameter("fails").has_value();
        const bool throws = request.parameter("throws").has_value();
        return {.body = StreamedBody{
                    .length = 10,
                    .next = [left, piece, fails, throws]() -> Task<std::span<const char>> {
                        if (left->size() < 5 && fails)
                            co_return Failure{FailureKind::transient, "the source dried up"};
                        if (left->size() < 5 && throws) throw std::runtime_error{"a bug"};
                        *piece = left->substr(0, 4);
                        left->erase(0, piece->size());
                        co_return std::span<const char>{*piece};
                    }}};
    }

    asio::io_context loop;
    ServerOptions options;
    std::chrono::milliseconds slow{0};
    std::vector<Failure> failures;
    int requests = 0;
};

TEST_F(ServerTest, AnswersOneRequestAfterTheOther) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        for (const std::string text : {"one", "three"}) {
            co_await client.send(
                fmt::format("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                            text.size(), text));
            EXPECT_THAT(co_await client.read_answer(), EndsWith("\r\n\r\n" + text));
        }
    });
}

TEST_F(ServerTest, AnswersRequestsThatDoNotWaitForAnAnswer) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        const std::string request = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n";
        co_await client.send(request + "1" + request + "2" + request + "3");
        EXPECT_THAT(co_await client.read_answer(), EndsWith("\r\n\r\n1"));
        EXPECT_THAT(co_await client.read_answer(), EndsWith("\r\n\r\n2"));
        EXPECT_THAT(co_await client.read_answer(), EndsWith("\r\n\r\n3"));
    });
}

TEST_F(ServerTest, ReadsAChunkedBody) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send(
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n");
        EXPECT_THAT(co_await client.read_answer(), EndsWith("\r\n\r\nabcdefgh"));
    });
}

TEST_F(ServerTest, ReadsABodyLargerThanItsBuffers) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        std::string body;
        while (body.size() < 700'000)
            body += fmt::format("{},", body.size());
        co_await client.send(fmt::format(
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
        EXPECT_TRUE((co_await client.read_answer()).ends_with("\r\n\r\n" + body));
    });
}

TEST_F(ServerTest, DecodesPathAndQuery) {
    Request seen;
    std::string raw_path;
    Server server{loop.get_executor(), [&](Request& request) -> asio::awaitable<Response> {
                      seen.path = request.path;
                      seen.query = request.query;
                      raw_path = request.raw_path;
                      seen.remote = request.remote;
                      co_return Response{};
                  }};
    ASSERT_TRUE(server.listen("127.0.0.1:0"));
    prewarm::test::run_to_end(loop, [&]() -> asio::awaitable<void> {
        RawClient client{loop, server.port()};
        co_await client.send("GET //a//b%2F%20+%C3%A4/..?x=1+2&x=%26 HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(co_await client.read_answer(), StartsWith("HTTP/1.1 200 "));
        client.hang_up();
        co_await server.stop(deadline_in(5s));
    }());
    EXPECT_EQ(seen.path, "//a//b/ +\xC3\xA4/..");
    EXPECT_EQ(raw_path, "//a//b%2F%20+%C3%A4/..");
    EXPECT_EQ(seen.query, (decltype(seen.query){{"x", "1 2"}, {"x", "&"}}));
    EXPECT_THAT(seen.remote, StartsWith("127.0.0.1:"));
}

TEST_F(ServerTest, AnswersHeadWithoutABody) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(co_await client.read_head(), HasSubstr("Content-Length: 10\r\n"));
        co_await client.send("HEAD /unread HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(co_await client.read_head(), HasSubstr("Content-Length: 6\r\n"));
        co_await client.send("GET /no-content HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(co_await client.read_head(), StartsWith("HTTP/1.1 204 "));
        co_await client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(co_await client.read_answer(), EndsWith("\r\n\r\n0123456789"));
    });
}

TEST_F(ServerTest, BreaksOffABodyThatItsMakerDoesNotFinish) {
    for (const auto* const query : {"short", "fails", "throws"}) {
        with_client([&](RawClient& client, Server&) -> asio::awaitable<void> {
            co_await client.send(fmt::format("GET /stream?{} HTTP/1.1\r\nHost: x\r\n\r\n", query));
            EXPECT_THAT(co_await client.read_to_end(), Not(HasSubstr("789"))) << query;
        });
    }
}

TEST_F(ServerTest, AnswersForAHandlerThatThrowsAndGoesOn) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(co_await client.read_answer(), StartsWith("HTTP/1.1 500 "));
        co_await client.send("GET /unread HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(co_await client.read_answer(), StartsWith("HTTP/1.1 200 "));
    });
}

TEST_F(ServerTest, RefusesWhatIsNotHttp) {
    for (const auto* const text :
         {"nonsense\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
          "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /?a=%z HTTP/1.1\r\nHost: x\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"}) {
        with_client([&](RawClient& client, Server&) -> asio::awaitable<void> {
            co_await client.send(text);
            EXPECT_THAT(co_await client.read_head(), StartsWith("HTTP/1.1 400 ")) << text;
        });
    }
    EXPECT_EQ(requests, 0);
}

TEST_F(ServerTest, TellsTheHandlerThatABodyIsNotHttp) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send(
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");
        co_await client.read_to_end();
    });
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].kind, FailureKind::refused);
}

TEST_F(ServerTest, RefusesAnEndlessHeader) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
        EXPECT_THAT(co_await client.read_to_end(), StartsWith("HTTP/1.1 431 "));
    });
}

TEST_F(ServerTest, DropsASmallBodyThatNobodyReadAndGoesOn) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        EXPECT_THAT(co_await client.read_answer(), EndsWith("unread"));
        co_await client.send("POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
        EXPECT_THAT(co_await client.read_answer(), EndsWith("unread"));
    });
}

TEST_F(ServerTest, AnswersBeforeItHangsUpOnALargeBodyThatNobodyRead) {
    options.drain_bytes = 1000;
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n" +
                             std::string(500, 'x'));
        EXPECT_THAT(co_await client.read_head(), StartsWith("HTTP/1.1 200 "));
        co_await client.send(std::string(10'000, 'x'));
        EXPECT_TRUE(co_await client.is_hung_up_on());
    });
}

TEST_F(ServerTest, AsksForABodyOnlyWhenSomebodyReadsIt) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send(
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
        EXPECT_THAT(co_await client.read_head(), StartsWith("HTTP/1.1 100 "));
        co_await client.send("abc");
        EXPECT_THAT(co_await client.read_answer(), EndsWith("\r\n\r\nabc"));
        co_await client.send(
            "POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: "
            "100-continue\r\n\r\n");
        EXPECT_THAT(co_await client.read_to_end(), StartsWith("HTTP/1.1 200 "));
    });
}

TEST_F(ServerTest, TellsTheHandlerThatTheClientHungUp) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
        client.say_no_more();
        co_await client.read_to_end();
    });
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].kind, FailureKind::transient);
}

TEST_F(ServerTest, HangsUpOnAClientThatAsksNothing) {
    options.idle_time = 40ms;
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        EXPECT_EQ(co_await client.read_to_end(), "");
    });
}

TEST_F(ServerTest, HangsUpOnAClientThatDoesNotFinishItsHeader) {
    options.header_time = 40ms;
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("GET / HTTP/1.1\r\n");
        EXPECT_EQ(co_await client.read_to_end(), "");
    });
    EXPECT_EQ(requests, 0);
}

TEST_F(ServerTest, HangsUpOnAClientThatStopsSending) {
    options.stall_time = 40ms;
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
        EXPECT_EQ(co_await client.read_to_end(), "");
    });
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].kind, FailureKind::transient);
}

TEST_F(ServerTest, LetsAHandlerTakeLongerThanAnyPeerMay) {
    options.idle_time = options.header_time = options.stall_time = 40ms;
    slow = 200ms;
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(co_await client.read_answer(), EndsWith("slow"));
    });
}

TEST_F(ServerTest, ClosesWhenTheClientAsksForIt) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("GET /unread HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        EXPECT_THAT(co_await client.read_to_end(), EndsWith("unread"));
    });
}

TEST_F(ServerTest, HangsUpInsteadOfAnAnswerInTheWayTheHandlerWants) {
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("POST /closes HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
        EXPECT_EQ(co_await client.read_hang_up(), asio::error::eof);
    });
    with_client([](RawClient& client, Server&) -> asio::awaitable<void> {
        co_await client.send("POST /resets HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
        EXPECT_EQ(co_await client.read_hang_up(), asio::error::connection_reset);
    });
}

TEST_F(ServerTest, HasClientsWaitWhenThereAreTooMany) {
    options.max_connections = 1;
    with_client([this](RawClient& first, Server& server) -> asio::awaitable<void> {
        co_await first.send("GET /unread HTTP/1.1\r\nHost: x\r\n\r\n");
        co_await first.read_answer();
        RawClient second{loop, server.port()};
        co_await second.send("GET /unread HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(server.connections(), 1U);
        first.hang_up();
        EXPECT_THAT(co_await second.read_answer(), EndsWith("unread"));
    });
}

TEST_F(ServerTest, StopsSoftly) {
    slow = 100ms;
    Server server{loop.get_executor(), [this](Request& request) { return answer(request); }};
    ASSERT_TRUE(server.listen("127.0.0.1:0"));
    prewarm::test::run_to_end(loop, [&]() -> asio::awaitable<void> {
        RawClient at_work{loop, server.port()};
        RawClient idle{loop, server.port()};
        co_await idle.send("GET /unread HTTP/1.1\r\nHost: x\r\n\r\n");
        co_await idle.read_answer();
        co_await at_work.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
        while (requests < 2)
            co_await sleep_for(1ms);
        co_await server.stop(deadline_in(5s));
        EXPECT_EQ(co_await idle.read_to_end(), "");
        EXPECT_THAT(co_await at_work.read_to_end(), EndsWith("slow"));
        EXPECT_EQ(server.connections(), 0U);
    }());
}

TEST_F(ServerTest, CancelsWhatIsStillAtWorkAtTheDeadline) {
    slow = 1h;
    Server server{loop.get_executor(), [this](Request& request) { return answer(request); }};
    ASSERT_TRUE(server.listen("127.0.0.1:0"));
    prewarm::test::run_to_end(loop, [&]() -> asio::awaitable<void> {
        RawClient client{loop, server.port()};
        co_await client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
        while (requests < 1)
            co_await sleep_for(1ms);
        co_await server.stop(deadline_in(10ms));
        EXPECT_EQ(co_await client.read_to_end(), "");
    }());
}

TEST_F(ServerTest, SaysThatAnAddressIsTakenAndWhatToDo) {
    with_client([this](RawClient&, Server& server) -> asio::awaitable<void> {
        Server second{loop.get_executor(), [this](Request& request) { return answer(request); }};
        const auto listening = second.listen(server.address());
        EXPECT_EQ(listening.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(listening.error().detail, HasSubstr(server.address()));
        EXPECT_THAT(listening.error().detail, HasSubstr("choose another port"));
        co_return;
    });
}

TEST_F(ServerTest, RefusesAddressesItCannotListenOn) {
    for (const auto* const address : {"", "127.0.0.1", ":80", "host:80", "127.0.0.1:x",
                                      "127.0.0.1:65536", "127.0.0.1:", "192.0.2.1:8080"}) {
        Server server{loop.get_executor(), [this](Request& request) { return answer(request); }};
        const auto listening = server.listen(address);
        ASSERT_FALSE(listening) << address;
        EXPECT_EQ(listening.error().kind, FailureKind::misconfigured) << address;
    }
}

}  // namespace
}  // namespace prewarm::http
