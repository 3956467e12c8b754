#include <fstream>
#include <sstream>

#include "tests/integration/http/client_fixture.hpp"

namespace prewarm::http {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"e\"\r\n\r\nok";

TEST_F(ClientTest, ReadsStatusHeadersAndBody) {
    answer_all(ok);
    const auto response = send(request(Method::get, "/a?b=c"));
    ASSERT_TRUE(response) << response.error().detail;
    EXPECT_EQ(response->head.status, 200);
    EXPECT_EQ(response->head.header("etag"), "\"e\"");
    EXPECT_EQ(response->head.content_length(), 2U);
    EXPECT_EQ(response->body, "ok");
    EXPECT_THAT(heads[0], StartsWith("GET /a?b=c HTTP/1.1\r\n"));
}

TEST_F(ClientTest, SendsWhatItIsAskedToSendAndNoExpect) {
    answer_all(ok);
    auto put = request(Method::put, "/a/./b/../c%20d");
    put.headers = {{"content-type", "text/plain"}, {"x-empty", ""}};
    put.body = Content{std::string(5000, 'x')};
    ASSERT_TRUE(send(std::move(put)));
    EXPECT_THAT(heads[0],
                AllOf(StartsWith("PUT /a/./b/../c%20d HTTP/1.1\r\n"),
                      HasSubstr("content-type: text/plain\r\n"), HasSubstr("x-empty:\r\n"),
                      HasSubstr("Content-Length: 5000\r\n"), Not(HasSubstr("Expect"))));
    EXPECT_EQ(bodies[0], std::string(5000, 'x'));
}

TEST_F(ClientTest, PostsWithoutABodyOrAType) {
    answer_all(ok);
    ASSERT_TRUE(send(request(Method::post)));
    EXPECT_THAT(heads[0],
                AllOf(StartsWith("POST / HTTP/1.1\r\n"), HasSubstr("Content-Length: 0\r\n"),
                      Not(HasSubstr("Content-Type"))));
}

TEST_F(ClientTest, DoesNotWaitForTheBodyOfAnAnswerToHead) {
    answer_all("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    const auto response = send(request(Method::head));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->head.content_length(), 1000U);
}

TEST_F(ClientTest, SendsAFile) {
    answer_all(ok);
    auto put = request(Method::put);
    const std::string text(300'000, 'f');
    put.body = Content{FileBytes{std::make_shared<std::istringstream>(text), text.size()}};
    ASSERT_TRUE(send(std::move(put)));
    EXPECT_TRUE(bodies[0] == text);
}

TEST_F(ClientTest, SendsFieldsAndFilesAsMultipart) {
    answer_all(ok);
    auto post = request(Method::post);
    post.body = Multipart{
        {.name = "chat_id", .content = std::string{"-100"}},
        {.name = "photo", .content = std::string{"bytes"}, .file_name = "a \"b\"\r\n.jpg"}};
    ASSERT_TRUE(send(std::move(post)));
    EXPECT_THAT(heads[0], HasSubstr("Content-Type: multipart/form-data; boundary="));
    EXPECT_THAT(bodies[0], HasSubstr("name=\"chat_id\"\r\n\r\n-100\r\n"));
    EXPECT_THAT(bodies[0], HasSubstr("name=\"photo\"; filename=\"a %22b%22%0D%0A.jpg\"\r\n"));
    EXPECT_THAT(bodies[0], HasSubstr("\r\n\r\nbytes\r\n--"));
}

TEST_F(ClientTest, KeepsItsConnections) {
    answer_all(ok);
    run([](Client& client, ClientRequest first, ClientRequest second) -> asio::awaitable<bool> {
        EXPECT_TRUE(co_await client.send(std::move(first), 10));
        EXPECT_TRUE(co_await client.send(std::move(second), 10));
        co_return true;
    }(client, request(Method::get), request(Method::get)));
    EXPECT_EQ(heads.size(), 2U);
    EXPECT_EQ(client.connections_made(), 1U);
    EXPECT_EQ(client.running(), 0U);
}

TEST_F(ClientTest, TriesAgainWhereAKeptConnectionTurnsOutDead) {
    serve([this](Connection& connection) -> asio::awaitable<void> {
        while (true) {
            heads.push_back(co_await connection.read_head());
            bodies.push_back(co_await connection.read_bytes(Connection::body_size(heads.back())));
            // It hangs up when the second request is there, not before.
            if (connection.number == 1 && heads.size() == 2) co_return;
            co_await connection.write(ok);
        }
    });
    auto post = request(Method::post);
    post.body = Multipart{{.name = "photo", .content = std::string(9000, 'p'), .file_name = "a"}};
    run([](Client& client, ClientRequest first, ClientRequest second) -> asio::awaitable<bool> {
        EXPECT_TRUE(co_await client.send(std::move(first), 10));
        EXPECT_TRUE(co_await client.send(std::move(second), 10));
        co_return true;
    }(client, request(Method::get), std::move(post)));
    EXPECT_EQ(client.connections_made(), 2U);
    ASSERT_EQ(bodies.size(), 3U);
    EXPECT_THAT(bodies[2], HasSubstr(std::string(9000, 'p')));
}

TEST_F(ClientTest, IsNotMisledByInterimAnswers) {
    answer_all(
        "HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    const auto response = send(request(Method::get));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->head.status, 404);
    EXPECT_EQ(response->head.header("x-interim"), std::nullopt);
    EXPECT_EQ(response->head.header("link"), std::nullopt);
}

TEST_F(ClientTest, DoesNotFollowRedirects) {
    answer_all("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
    const auto response = send(request(Method::get));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->head.status, 302);
    EXPECT_EQ(heads.size(), 1U);
}

TEST_F(ClientTest, ReadsAChunkedAnswerAndIgnoresItsTrailers) {
    answer_all(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n");
    const auto response = send(request(Method::get));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body, "abcde");
    EXPECT_EQ(response->head.header("x-trailer"), std::nullopt);
}

TEST_F(ClientTest, TakesNoProxyFromTheEnvironment) {
    answer_all(ok);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    EXPECT_TRUE(send(request(Method::get)));
    unsetenv("http_proxy");
}

TEST_F(ClientTest, RunsManyAtOnce) {
    answer_all(ok);
    int answered = 0;
    std::vector<ClientRequest> requests;
    for (int i = 0; i < 50; ++i)
        requests.push_back(request(Method::get));
    int left = 50;
    for (auto& one : requests) {
        asio::co_spawn(
            loop, client.send(std::move(one), 10),
            [&](const std::exception_ptr& thrown, const Result<ClientResponse>& response) {
                if (!thrown && response) ++answered;
                if (--left == 0) server->stop();
            });
    }
    loop.run();
    EXPECT_EQ(answered, 50);
    EXPECT_EQ(client.running(), 0U);
}

}  // namespace
}  // namespace prewarm::http
