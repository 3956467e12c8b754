#include <boost/asio/redirect_error.hpp>

#include "tests/integration/http/client_fixture.hpp"

namespace prewarm::http {
namespace {

using testing::HasSubstr;

/// Bytes that show where they were cut, repeated or swapped.
std::string numbered(std::size_t size) {
    std::string text;
    text.reserve(size + 8);
    for (std::size_t i = 0; text.size() < size; ++i)
        text += std::to_string(i) + ',';
    text.resize(size);
    return text;
}

/// Writes all of it, waiting for room.
asio::awaitable<void> fill(BytePipe& pipe, std::string text) {
    asio::steady_timer room{co_await asio::this_coro::executor, Deadline::max()};
    pipe.on_space = [&] { room.cancel(); };
    for (std::size_t at = 0; at < text.size();) {
        const auto taken = pipe.write(std::string_view{text}.substr(at, 10'000));
        at += taken;
        if (taken > 0) continue;
        boost::system::error_code ignored;
        co_await room.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    pipe.on_space = nullptr;
    pipe.close();
}

constexpr auto ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

TEST_F(ClientTest, SendsWhatComesThroughAPipe) {
    answer_all(ok);
    const auto text = numbered(2'000'000);
    BytePipe pipe{30'000};
    asio::co_spawn(loop, fill(pipe, text), asio::detached);
    auto put = request(Method::put);
    put.body = Content{PipedBytes{&pipe, text.size()}};
    ASSERT_TRUE(send(std::move(put)));
    EXPECT_TRUE(bodies[0] == text);
    EXPECT_THAT(heads[0], HasSubstr("Content-Length: 2000000\r\n"));
}

TEST_F(ClientTest, SendsAPartThatComesThroughAPipe) {
    answer_all(ok);
    const auto text = numbered(2'000'000);
    BytePipe pipe{30'000};
    asio::co_spawn(loop, fill(pipe, text), asio::detached);
    auto post = request(Method::post);
    post.body = Multipart{
        {.name = "chat_id", .content = std::string{"1"}},
        {.name = "video", .content = PipedBytes{&pipe, text.size()}, .file_name = "v.mp4"}};
    ASSERT_TRUE(send(std::move(post)));
    EXPECT_TRUE(bodies[0].find("\r\n\r\n" + text + "\r\n--") != std::string::npos);
}

TEST_F(ClientTest, SendsNoMoreThanWasPromised) {
    answer_all(ok);
    BytePipe pipe{1000};
    pipe.write(std::string_view{"abcdef"});
    pipe.close();
    run([](Client& client, ClientRequest first, ClientRequest second,
           BytePipe& bytes) -> asio::awaitable<bool> {
        first.body = Content{PipedBytes{&bytes, 4}};
        EXPECT_TRUE(co_await client.send(std::move(first), 10));
        EXPECT_TRUE(co_await client.send(std::move(second), 10));
        co_return true;
    }(client, request(Method::put), request(Method::get), pipe));
    EXPECT_EQ(bodies, (std::vector<std::string>{"abcd", ""}));
    EXPECT_EQ(client.connections_made(), 1U);
}

class BrokenOff : public ClientTest {
protected:
    /// Whether the server got a whole request.
    bool run_put(BytePipe& pipe) {
        answer_all(ok);
        auto put = request(Method::put);
        put.body = Content{PipedBytes{&pipe, 1000}};
        const auto response = send(std::move(put));
        EXPECT_FALSE(response);
        if (!response) EXPECT_EQ(response.error().kind, FailureKind::transient);
        return !bodies.empty();
    }
};

TEST_F(BrokenOff, WhenThePipeEndsShort) {
    BytePipe pipe{1000};
    pipe.write(std::string_view{"abc"});
    pipe.close();
    EXPECT_FALSE(run_put(pipe));
}

TEST_F(BrokenOff, WhenThePipeBreaksWhileItIsWaitedFor) {
    BytePipe pipe{1000};
    pipe.write(std::string_view{"abc"});
    asio::post(loop, [&] { asio::post(loop, [&] { pipe.break_off(); }); });
    EXPECT_FALSE(run_put(pipe));
}

TEST_F(ClientTest, EndsAPausedRequestThatIsAnsweredEarly) {
    serve([](Connection& connection) -> asio::awaitable<void> {
        co_await connection.read_head();
        co_await connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        co_await connection.read_head();
    });
    BytePipe never_filled{1000};
    auto put = request(Method::put);
    put.body = Content{PipedBytes{&never_filled, 1000}};
    const auto response = send(std::move(put));
    ASSERT_TRUE(response) << response.error().detail;
    EXPECT_EQ(response->head.status, 413);
    EXPECT_EQ(response->body, "no");
}

TEST_F(ClientTest, HearsAnEarlyAnswerWhileItSends) {
    serve([](Connection& connection) -> asio::awaitable<void> {
        co_await connection.read_head();
        co_await connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
        co_await connection.read_head();
    });
    const auto text = numbered(20'000'000);
    auto put = request(Method::put);
    put.body = Content{text};
    const auto response = send(std::move(put));
    ASSERT_TRUE(response) << response.error().detail;
    EXPECT_EQ(response->head.status, 413);
}

TEST_F(ClientTest, HoldsAnAnswerBackUntilItIsWanted) {
    const auto text = numbered(3'000'000);
    answer_all("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + text);
    std::string got;
    bool wanted = false;
    int refused = 0;
    auto task = [&]() -> Task<int> {
        auto exchange =
            client.start(request(Method::get),
                         [&](const ResponseHead&, std::span<const char> piece) -> Result<bool> {
                             // Every piece is offered twice.
                             wanted = !wanted;
                             if (wanted) {
                                 ++refused;
                                 return false;
                             }
                             got.append(piece.begin(), piece.end());
                             return true;
                         });
        auto head = co_await exchange.head();
        if (!head) co_return head.error();
        bool done = false;
        // Resumed again and again, as a pipe would.
        asio::co_spawn(
            loop,
            [&]() -> asio::awaitable<void> {
                while (!done) {
                    exchange.resume();
                    co_await asio::post(loop, asio::use_awaitable);
                }
            },
            asio::detached);
        auto finished = co_await exchange.finish();
        done = true;
        co_await asio::post(loop, asio::use_awaitable);
        co_await asio::post(loop, asio::use_awaitable);
        if (!finished) co_return finished.error();
        co_return head->status;
    };
    const auto status = run(task());
    ASSERT_TRUE(status) << status.error().detail;
    EXPECT_EQ(*status, 200);
    EXPECT_TRUE(got == text);
    EXPECT_GT(refused, 10);
}

TEST_F(ClientTest, DoesNotCallATransferStalledThatItsOwnSinkHoldsBack) {
    ClientOptions hasty = options;
    hasty.stall = 20ms;
    Client impatient{loop.get_executor(), hasty};
    answer_all("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    auto task = [&]() -> Task<std::string> {
        std::string got;
        bool wanted = false;
        auto exchange =
            impatient.start(request(Method::get),
                            [&](const ResponseHead&, std::span<const char> piece) -> Result<bool> {
                                if (wanted) got.append(piece.begin(), piece.end());
                                return wanted;
                            });
        auto head = co_await exchange.head();
        if (!head) co_return head.error();
        asio::steady_timer later{loop, 60ms};
        later.async_wait([&](boost::system::error_code) {
            wanted = true;
            exchange.resume();
        });
        auto finished = co_await exchange.finish();
        if (!finished) co_return finished.error();
        co_return got;
    };
    const auto got = run(task());
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(*got, "ok");
}

TEST_F(ClientTest, PassesOnWhyASinkWantsNoMore) {
    answer_all("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    auto task = [&]() -> Task<> {
        auto exchange = client.start(
            request(Method::get), [&](const ResponseHead&, std::span<const char>) -> Result<bool> {
                return Failure{FailureKind::mismatch, "not these"};
            });
        co_return co_await exchange.finish();
    };
    const auto finished = run(task());
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().kind, FailureKind::mismatch);
    EXPECT_EQ(finished.error().detail, "test: not these");
}

TEST_F(ClientTest, IsSaidToBeSentOnlyOnceAllOfItWas) {
    serve([](Connection& connection) -> asio::awaitable<void> {
        co_await connection.read_head();
        co_await connection.read_bytes(6);
    });
    BytePipe pipe{100};
    auto task = [&]() -> Task<> {
        auto put = request(Method::put);
        put.body = Content{PipedBytes{&pipe, 6}};
        std::string body;
        auto exchange = client.start(std::move(put), sink_into(body, 10));
        pipe.write(std::string_view{"abc"});
        co_await sleep_for(20ms);
        EXPECT_FALSE(exchange.request_sent_at());
        pipe.write(std::string_view{"def"});
        auto head = co_await exchange.head();
        EXPECT_TRUE(exchange.request_sent_at());
        if (!head) co_return head.error();
        co_return Result<>{};
    };
    const auto answered = run(task());
    ASSERT_FALSE(answered);  // It hung up: the outcome is unknown.
    EXPECT_EQ(answered.error().kind, FailureKind::transient);
}

}  // namespace
}  // namespace prewarm::http
