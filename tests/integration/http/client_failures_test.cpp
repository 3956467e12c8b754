#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "tests/integration/http/client_fixture.hpp"

namespace prewarm::http {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Reads the request and lets it wait.
asio::awaitable<void> never_answer(test::Connection& connection) {
    co_await connection.read_head();
    co_await connection.read_head();
}

TEST_F(ClientTest, SaysThatNobodyListens) {
    answer_all("");
    auto get = request(Method::get);
    server->stop();
    const auto response = send(std::move(get));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::unavailable);
    EXPECT_THAT(response.error().detail, StartsWith("test: "));
}

TEST_F(ClientTest, NamesTheRequestAndNotItsUrlWhenItFails) {
    serve([](Connection& connection) -> asio::awaitable<void> {
        co_await connection.read_head();
        co_await connection.write("garbage\r\n\r\n");
    });
    const auto response = send(request(Method::get, "/bot123:SECRET/getMe"));
    ASSERT_FALSE(response);
    EXPECT_THAT(response.error().detail, AllOf(StartsWith("test: "), Not(HasSubstr("SECRET"))));
}

TEST_F(ClientTest, TellsAMalformedUrlFromAServerThatIsAway) {
    answer_all("");
    auto get = request(Method::get);
    get.url = Secret{"ftp://127.0.0.1/SECRET"};
    const auto response = send(std::move(get));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::misconfigured);
    EXPECT_THAT(response.error().detail, Not(HasSubstr("SECRET")));
}

TEST_F(ClientTest, ReportsAServerThatHangsUpHalfway) {
    serve([](Connection& connection) -> asio::awaitable<void> {
        co_await connection.read_head();
        co_await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    });
    const auto response = send(request(Method::get));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::transient);
}

TEST_F(ClientTest, ReportsAServerThatHangsUpWithoutAnAnswer) {
    serve([](Connection& connection) -> asio::awaitable<void> { co_await connection.read_head(); });
    const auto response = send(request(Method::get));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::transient);
}

TEST_F(ClientTest, GivesUpOnAServerThatDoesNotAnswer) {
    ClientOptions hasty = options;
    hasty.answer = 50ms;
    Client impatient{loop.get_executor(), hasty};
    serve(never_answer);
    const auto response = run(impatient.send(request(Method::get), 10));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::unavailable);
    EXPECT_EQ(impatient.running(), 0U);
}

TEST_F(ClientTest, GivesUpOnAnAnswerThatStalls) {
    ClientOptions hasty = options;
    hasty.stall = 50ms;
    Client impatient{loop.get_executor(), hasty};
    serve([](Connection& connection) -> asio::awaitable<void> {
        co_await connection.read_head();
        co_await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        co_await connection.read_head();
    });
    const auto response = run(impatient.send(request(Method::get), 10));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::transient);
    EXPECT_THAT(response.error().detail, HasSubstr("stalled"));
}

TEST_F(ClientTest, GivesUpAtItsDeadline) {
    serve(never_answer);
    auto get = request(Method::get);
    get.deadline = deadline_in(50ms);
    const auto response = send(std::move(get));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::unavailable);
}

TEST_F(ClientTest, BoundsAnAnswersBody) {
    answer_all("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world");
    const auto response = run(client.send(request(Method::get), 10));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::transient);
    EXPECT_THAT(response.error().detail, HasSubstr("more than 10 bytes"));
}

TEST_F(ClientTest, BoundsAnAnswersHeaders) {
    std::string answer = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 1000; ++i)
        answer += "X-Header: " + std::string(50, 'x') + "\r\n";
    answer_all(answer + "Content-Length: 0\r\n\r\n");
    const auto response = send(request(Method::get));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::transient);
    EXPECT_THAT(response.error().detail, HasSubstr("headers"));
}

TEST_F(ClientTest, SendsNoHeaderThatWouldEndItsLine) {
    answer_all("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    auto get = request(Method::get);
    get.headers = {{"content-type", "a/b\r\nX-Injected: 1"}};
    const auto response = send(std::move(get));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::refused);
    EXPECT_TRUE(heads.empty());
}

TEST_F(ClientTest, RemovesATransferWhoseCoroutineIsCancelled) {
    asio::cancellation_signal cancel;
    bool server_saw_the_end = false;
    serve([&](Connection& connection) -> asio::awaitable<void> {
        co_await connection.read_head();
        cancel.emit(asio::cancellation_type::terminal);
        try {
            co_await connection.read_head();
        } catch (const boost::system::system_error& error) {
            server_saw_the_end = error.code() == asio::error::eof;
        }
        server->stop();
    });
    std::exception_ptr thrown;
    asio::co_spawn(loop, client.send(request(Method::get), 10),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](const std::exception_ptr& error,
                                          const Result<ClientResponse>&) { thrown = error; }));
    loop.run();
    ASSERT_TRUE(thrown);
    EXPECT_THROW(std::rethrow_exception(thrown), boost::system::system_error);
    EXPECT_TRUE(server_saw_the_end);
    EXPECT_EQ(client.running(), 0U);
}

}  // namespace
}  // namespace prewarm::http
