#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/s3/object_reader.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/support/scripted_server.hpp"

namespace prewarm::s3 {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

/// What a server that keeps to the protocol would not do.
class BrokenServer : public testing::Test {
protected:
    /// Each connection gets the next of `answers`, and those after them the last; then it hangs up.
    Result<std::string> read_from(std::vector<std::string> answers, Announced known = {}) {
        test::ScriptedServer server{
            loop, [&](test::Connection& connection) -> asio::awaitable<void> {
                heads.push_back(co_await connection.read_head());
                co_await connection.write(answers[std::min(connection.number, answers.size()) - 1]);
            }};
        auto endpoint = *Endpoint::at(server.url(""), {"id", Secret{"secret"}});
        ObjectReader reader{client, endpoint, {.first_pause = 1ms}};
        return test::run_to_end(loop,
                                [](test::ScriptedServer& to_stop, ObjectReader& from,
                                   Announced what) -> Task<std::string> {
                                    auto opened =
                                        co_await from.open({"b", "k"}, what, deadline_in(60s));
                                    Result<std::string> read = std::string{};
                                    if (opened) {
                                        read = co_await opened->read_all();
                                    } else {
                                        read = opened.error();
                                    }
                                    to_stop.stop();
                                    co_return read;
                                }(server, reader, known));
    }

    /// An answer with an object of ten bytes, or with what came of it before the line broke.
    static std::string begun(std::string_view etag, std::string_view body) {
        return fmt::format("HTTP/1.1 200 OK\r\nETag: {}\r\nContent-Length: 10\r\n\r\n{}", etag,
                           body);
    }
    static std::string rest(std::string_view etag, std::string_view range, std::string_view body) {
        return fmt::format(
            "HTTP/1.1 206 Partial Content\r\nETag: {}\r\nContent-Range: bytes {}\r\n"
            "Content-Length: {}\r\n\r\n{}",
            etag, range, body.size(), body);
    }

    void expect_object(const Result<std::string>& read) const {
        ASSERT_TRUE(read) << read.error().detail;
        EXPECT_EQ(*read, object);
    }
    static void expect_failure(const Result<std::string>& read, FailureKind kind) {
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().kind, kind) << read.error().detail;
    }

    asio::io_context loop;
    http::Client client{loop.get_executor(), {}};
    std::vector<std::string> heads;
    std::string object = "0123456789";
    Announced announced{10, sha256_of(object)};
};

TEST_F(BrokenServer, BeginsAgainThoughTheRestWasAskedFor) {
    expect_object(read_from({begun("\"a\"", "0123"), begun("\"a\"", object)}));
    EXPECT_THAT(heads[1], HasSubstr("range: bytes=4-"));
}

TEST_F(BrokenServer, BeginsAgainAndBreaksSooner) {
    expect_object(
        read_from({begun("\"a\"", "0123"), begun("\"a\"", "01"), begun("\"a\"", object)}));
}

TEST_F(BrokenServer, BeginsAgainWithOtherBytes) {
    expect_failure(read_from({begun("\"a\"", "0123"), begun("\"a\"", "abcdefghij")}, announced),
                   FailureKind::mismatch);
}

TEST_F(BrokenServer, IgnoresThatAnotherVersionWasAskedFor) {
    expect_failure(read_from({begun("\"a\"", "0123"), begun("\"b\"", object)}),
                   FailureKind::mismatch);
    expect_failure(read_from({begun("\"a\"", "0123"), rest("\"b\"", "4-9/10", "456789")}),
                   FailureKind::mismatch);
}

TEST_F(BrokenServer, AnswersAnotherPartThanWasAskedFor) {
    for (const auto* range : {"3-8/10", "0-5/10", "*/10"}) {
        const auto read =
            read_from({begun("\"a\"", "0123"), rest("\"a\"", range, "456789")}, announced);
        expect_failure(read, FailureKind::transient);
        EXPECT_THAT(read.error().detail, HasSubstr("at byte 4 of 10"));
    }
}

TEST_F(BrokenServer, AnswersAPartThatIsTooShort) {
    expect_object(read_from({begun("\"a\"", "0123"), rest("\"a\"", "4-6/10", "456"),
                             rest("\"a\"", "4-9/10", "456789")}));
}

TEST_F(BrokenServer, GivesMoreThanTheRest) {
    expect_object(
        read_from({begun("\"a\"", "0123"),
                   "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Range: bytes 4-9/10\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n7\r\n456789!\r\n0\r\n\r\n",
                   rest("\"a\"", "4-9/10", "456789")}));
}

TEST_F(BrokenServer, GivesLessThanTheRest) {
    const auto read =
        read_from({begun("\"a\"", "0123"),
                   "HTTP/1.1 206 Partial Content\r\nETag: \"a\"\r\nContent-Range: bytes 4-9/10\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n5\r\n45678\r\n0\r\n\r\n",
                   rest("\"a\"", "9-9/10", "9")});
    expect_object(read);
}

TEST_F(BrokenServer, NamesNoVersion) {
    for (const auto* etag : {"", "W/\"a\""}) {
        heads.clear();
        expect_failure(read_from({begun(etag, "0123"), rest(etag, "4-9/10", "456789")}),
                       FailureKind::transient);
        EXPECT_THAT(heads, SizeIs(1)) << "nothing would tell two versions apart";
    }
}

TEST_F(BrokenServer, NamesNoVersionWhereADigestTells) {
    for (const auto* etag : {"", "W/\"a\""}) {
        heads.clear();
        expect_object(read_from({begun(etag, "0123"), rest(etag, "4-9/10", "456789")}, announced));
        EXPECT_THAT(heads[1], AllOf(HasSubstr("range: bytes=4-"), Not(HasSubstr("if-match"))));
    }
    expect_failure(read_from({begun("", "0123"), rest("", "4-9/10", "45678!")}, announced),
                   FailureKind::mismatch);
}

TEST_F(BrokenServer, HangsUpHalfway) {
    const auto read = read_from({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::transient);
}

TEST_F(BrokenServer, DoesNotSayHowMuchWillCome) {
    const auto read =
        read_from({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::transient);
}

TEST_F(BrokenServer, AnswersAPartThatWasNotAskedFor) {
    const auto read = read_from({rest("\"a\"", "0-2/9", "abc")});
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().kind, FailureKind::mismatch);
}

TEST_F(BrokenServer, GivesAnErrorWithoutEnd) {
    const auto read = read_from(
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 900000\r\n\r\n" + std::string(900'000, 'x')});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::misconfigured);
}

TEST_F(BrokenServer, HangsUpWithinAnError) {
    const auto read = read_from({"HTTP/1.1 404 Not Found\r\nContent-Length: 900\r\n\r\n<Er"});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::misconfigured);
}

}  // namespace
}  // namespace prewarm::s3
