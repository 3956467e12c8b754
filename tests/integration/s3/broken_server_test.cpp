#include <gtest/gtest.h>

#include "common/s3/object_reader.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/support/scripted_server.hpp"

namespace prewarm::s3 {
namespace {

using namespace std::chrono_literals;

/// What a server that keeps to the protocol would not do.
class BrokenServer : public testing::Test {
protected:
    Result<std::string> read_from(std::string answer) {
        test::ScriptedServer server{loop,
                                    [&](test::Connection& connection) -> asio::awaitable<void> {
                                        co_await connection.read_head();
                                        co_await connection.write(answer);
                                    }};
        auto endpoint = *Endpoint::at(server.url(""), {"id", Secret{"secret"}});
        ObjectReader reader{client, endpoint};
        return test::run_to_end(
            loop, [](test::ScriptedServer& to_stop, ObjectReader& from) -> Task<std::string> {
                auto opened = co_await from.open({"b", "k"}, {}, deadline_in(60s));
                Result<std::string> read = std::string{};
                if (opened) {
                    read = co_await opened->read_all();
                } else {
                    read = opened.error();
                }
                to_stop.stop();
                co_return read;
            }(server, reader));
    }

    asio::io_context loop;
    http::Client client{loop.get_executor(), {}};
};

TEST_F(BrokenServer, HangsUpHalfway) {
    const auto read = read_from("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::transient);
}

TEST_F(BrokenServer, DoesNotSayHowMuchWillCome) {
    const auto read =
        read_from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::transient);
}

TEST_F(BrokenServer, AnswersAPartThatWasNotAskedFor) {
    const auto read = read_from(
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-2/9\r\nContent-Length: "
        "3\r\n\r\nabc");
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().kind, FailureKind::mismatch);
}

TEST_F(BrokenServer, GivesAnErrorWithoutEnd) {
    const auto read = read_from("HTTP/1.1 404 Not Found\r\nContent-Length: 900000\r\n\r\n" +
                                std::string(900'000, 'x'));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::not_found);
}

TEST_F(BrokenServer, HangsUpWithinAnError) {
    const auto read = read_from("HTTP/1.1 404 Not Found\r\nContent-Length: 900\r\n\r\n<Er");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::not_found);
}

}  // namespace
}  // namespace prewarm::s3
