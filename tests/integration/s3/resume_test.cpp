#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include "common/runtime/deadline.hpp"
#include "tests/integration/s3/s3_fixture.hpp"
#include "tests/support/broken_line.hpp"
#include "tests/support/pipe_reader.hpp"

namespace prewarm::s3 {
namespace {

using test::Fate;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr std::size_t size = 3'000'000;

/// It is stored before there is a line, which keeps the loop from running dry.
class StoredObjectTest : public S3Test {
protected:
    StoredObjectTest() { put(name, bytes); }

    std::string bytes = numbered(size);
    Announced announced{size, sha256_of(bytes)};
    ObjectName name = object("resumed");
};

/// Reads an object of the real server over a line that breaks.
class ResumedRead : public StoredObjectTest {
protected:
    struct Ended {
        Result<> result;
        std::string got;
        std::uint64_t resumes = 0;
    };

    static std::uint16_t port_of(const std::string& url) {
        return boost::urls::parse_uri(url)->port_number();
    }

    /// Through the pipe.
    Ended read(Announced what) { return run(stopping(read_through(what))); }
    Ended read() { return read(announced); }
    /// As a whole.
    Ended read_at_once() { return run(stopping(read_held(announced))); }

    asio::awaitable<Ended> read_through(Announced what) {
        http::Client over_line{loop.get_executor(), options};
        ObjectReader broken_reader{over_line, broken_endpoint, limits};
        auto opened = co_await broken_reader.open(name, what, soon());
        if (!opened) co_return Ended{opened.error(), {}};
        asio::co_spawn(loop, read_the_pipe(), asio::detached);
        auto result = co_await opened->read_into(pipe);
        while (!has_read)
            co_await asio::post(asio::use_awaitable);
        co_return Ended{std::move(result), std::move(far_end.got), opened->resumes()};
    }

    asio::awaitable<void> read_the_pipe() {
        if (before_reading) co_await before_reading();
        co_await far_end.read_to_end();
        has_read = true;
    }

    asio::awaitable<Ended> read_held(Announced what) {
        http::Client over_line{loop.get_executor(), options};
        ObjectReader broken_reader{over_line, broken_endpoint, limits};
        auto opened = co_await broken_reader.open(name, what, soon());
        if (!opened) co_return Ended{opened.error(), {}};
        auto read = co_await opened->read_all();
        if (!read) co_return Ended{read.error(), {}, opened->resumes()};
        co_return Ended{{}, std::move(*read), opened->resumes()};
    }

    template <class T>
    asio::awaitable<T> stopping(asio::awaitable<T> task) {
        auto value = co_await std::move(task);
        line.stop();
        co_return value;
    }

    void expect_whole(const Ended& ended, std::uint64_t resumes) {
        ASSERT_TRUE(ended.result) << ended.result.error().detail;
        EXPECT_TRUE(ended.got == bytes);
        EXPECT_EQ(ended.resumes, resumes);
        EXPECT_THAT(line.heads, SizeIs(resumes + 1));
    }

    void expect_failure(const Ended& ended, FailureKind kind) {
        ASSERT_FALSE(ended.result);
        EXPECT_EQ(ended.result.error().kind, kind) << ended.result.error().detail;
        EXPECT_LT(ended.got.size(), bytes.size());
        EXPECT_TRUE(bytes.starts_with(ended.got));
    }

    static Fate cut_after(std::size_t body_bytes) { return {.body_bytes = body_bytes}; }

    static Fate answered(std::string_view status, std::string_view headers,
                         std::string_view body = "") {
        return {.answer = fmt::format("HTTP/1.1 {}\r\n{}Content-Length: {}\r\n\r\n{}", status,
                                      headers, body.size(), body)};
    }

    static Fate slow_down(std::string_view retry_after) {
        return answered("503 Service Unavailable", fmt::format("Retry-After: {}\r\n", retry_after),
                        "<Error><Code>SlowDown</Code><Message>Reduce.</Message></Error>");
    }

    BytePipe pipe{50'000};
    test::PipeReader far_end{pipe};
    bool has_read = false;
    std::function<asio::awaitable<void>()> before_reading;
    test::BrokenLine line{loop, port_of(test::required_variable("R2_ENDPOINT"))};
    Endpoint broken_endpoint = *Endpoint::at(line.url(), credentials());
    ResumeLimits limits{.first_pause = 1ms, .longest_pause = 1s};
    http::ClientOptions options;
};

class CutAt : public ResumedRead, public testing::WithParamInterface<std::size_t> {};

TEST_P(CutAt, GoesOnThereInThePipe) {
    line.fates = {cut_after(GetParam())};
    expect_whole(read(), 1);
    EXPECT_THAT(line.heads[1], AllOf(HasSubstr(fmt::format("range: bytes={}-\r\n", GetParam())),
                                     HasSubstr("if-match: \"")));
    EXPECT_EQ(line.body_bytes, size) << "nothing is fetched twice";
    EXPECT_TRUE(pipe.drained());
}

TEST_P(CutAt, GoesOnThereInAWholeObject) {
    line.fates = {cut_after(GetParam())};
    expect_whole(read_at_once(), 1);
    EXPECT_EQ(line.body_bytes, size);
}

TEST_P(CutAt, GoesOnAfterAReset) {
    line.fates = {{.body_bytes = GetParam(), .end = Fate::End::resets}};
    expect_whole(read(), 1);
}

TEST_P(CutAt, StillFindsThatItIsNotWhatWasAnnounced) {
    line.fates = {cut_after(GetParam())};
    expect_failure(read({size, sha256_of("another")}), FailureKind::mismatch);
    EXPECT_TRUE(pipe.broken());
}

INSTANTIATE_TEST_SUITE_P(All, CutAt,
                         testing::Values(0, 1, 16'384, 50'000, size / 2, size - 30'000, size - 2,
                                         size - 1));

TEST_F(ResumedRead, IsNotResumedWhenNothingBreaks) {
    expect_whole(read(), 0);
    EXPECT_THAT(line.heads[0], Not(HasSubstr("range:")));
}

TEST_F(ResumedRead, SurvivesManyCutsAsLongAsItGetsOn) {
    for (int i = 0; i < 9; ++i)
        line.fates.push_back(cut_after(300'000));
    expect_whole(read(), 9);
    EXPECT_EQ(line.body_bytes, size);
}

TEST_F(ResumedRead, SurvivesCutsWithoutProgressUpToItsLimit) {
    line.fates = {cut_after(1'000'000), cut_after(0), cut_after(1), cut_after(0), cut_after(0)};
    expect_whole(read(), 5);
}

TEST_F(ResumedRead, EndsWhenItDoesNotGetOn) {
    for (int i = 0; i < 7; ++i)
        line.fates.push_back(cut_after(1000));
    const auto ended = read();
    expect_failure(ended, FailureKind::transient);
    EXPECT_EQ(ended.resumes, 5U);
    EXPECT_THAT(ended.result.error().detail, HasSubstr("at byte 6000 of 3000000"));
    EXPECT_TRUE(pipe.broken());
}

TEST_F(ResumedRead, GoesOnWhenTheServerFallsSilent) {
    options.stall = 200ms;
    line.fates = {{.body_bytes = size / 2, .end = Fate::End::falls_silent}};
    const auto ended = read();
    ASSERT_TRUE(ended.result) << ended.result.error().detail;
    EXPECT_TRUE(ended.got == bytes);
    EXPECT_GE(ended.resumes, 1U);
}

TEST_F(ResumedRead, GoesOnWhenTheServerFallsSilentBeforeTheRest) {
    options.answer = 200ms;
    line.fates = {cut_after(size / 2),
                  {.before = []() -> asio::awaitable<void> { co_await sleep_for(1s); }}};
    const auto ended = read();
    ASSERT_TRUE(ended.result) << ended.result.error().detail;
    EXPECT_TRUE(ended.got == bytes);
    EXPECT_GE(ended.resumes, 2U);
}

TEST_F(ResumedRead, DoesNotTakeAFullPipeForASilentServer) {
    options.stall = 100ms;
    std::size_t requests = 0;
    before_reading = [&]() -> asio::awaitable<void> {
        // Until long after a stall would have been seen.
        co_await sleep_for(600ms);
        EXPECT_GT(pipe.size_bytes(), 0U);
        requests = line.heads.size();
    };
    const auto ended = read();
    ASSERT_TRUE(ended.result) << ended.result.error().detail;
    EXPECT_TRUE(ended.got == bytes);
    EXPECT_EQ(requests, 1U);
}

TEST_F(ResumedRead, EndsWhenTheObjectWasReplacedMeanwhile) {
    auto other = bytes;
    other[size - 5] = '!';
    line.fates = {cut_after(size / 2), {.before = [&]() -> asio::awaitable<void> {
                      EXPECT_TRUE(co_await writer.put(name, other, "text/plain", soon()));
                  }}};
    const auto ended = read();
    expect_failure(ended, FailureKind::mismatch);
    EXPECT_THAT(ended.result.error().detail,
                AllOf(HasSubstr("412"), HasSubstr("changed while it was read")));
    EXPECT_EQ(ended.resumes, 1U);
    EXPECT_TRUE(pipe.broken());
}

TEST_F(ResumedRead, EndsWhenTheObjectWasReplacedAndNoDigestWouldTell) {
    auto other = bytes;
    other[size - 5] = '!';
    line.fates = {cut_after(size / 2), {.before = [&]() -> asio::awaitable<void> {
                      EXPECT_TRUE(co_await writer.put(name, other, "text/plain", soon()));
                  }}};
    expect_failure(read({}), FailureKind::mismatch);
}

TEST_F(ResumedRead, EndsWhenTheRestIsForbidden) {
    line.fates = {
        cut_after(size / 2),
        answered("403 Forbidden", "", "<Error><Code>RequestTimeTooSkewed</Code></Error>")};
    const auto ended = read();
    expect_failure(ended, FailureKind::misconfigured);
    EXPECT_EQ(ended.resumes, 1U);
}

TEST_F(ResumedRead, EndsWhenTheObjectIsGone) {
    line.fates = {cut_after(size / 2),
                  answered("404 Not Found", "", "<Error><Code>NoSuchKey</Code></Error>")};
    expect_failure(read(), FailureKind::not_found);
}

TEST_F(ResumedRead, GivesABusyServerTheTimeItAsksFor) {
    line.fates = {cut_after(size / 2), slow_down("1"), slow_down("0")};
    const auto began = std::chrono::steady_clock::now();
    expect_whole(read(), 3);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 1s);
}

TEST_F(ResumedRead, LeavesALongWaitToTheJob) {
    line.fates = {cut_after(size / 2), slow_down("60")};
    const auto ended = read();
    expect_failure(ended, FailureKind::throttled);
    EXPECT_EQ(ended.result.error().retry_after, 60s);
    EXPECT_EQ(ended.resumes, 1U);
}

TEST_F(ResumedRead, GoesOnAfterAServersTrouble) {
    line.fates = {cut_after(size / 2), answered("500 Internal Server Error", ""),
                  answered("502 Bad Gateway", "", "<html>")};
    expect_whole(read(), 3);
}

TEST_F(ResumedRead, KeepsAnErrorsTextApartFromTheObject) {
    line.fates = {cut_after(size / 2), answered("502 Bad Gateway", "", "<html>")};
    expect_whole(read_at_once(), 2);
}

TEST_F(ResumedRead, BlamesTheServerThatIsGoneForGood) {
    line.fates = {{.body_bytes = size / 2, .after = [this] { line.stop(); }}};
    const auto ended = read();
    expect_failure(ended, FailureKind::unavailable);
    EXPECT_EQ(ended.resumes, 5U);
    EXPECT_TRUE(pipe.broken());
}

TEST_F(ResumedRead, EndsAtItsDeadlineRatherThanWait) {
    limits = {.first_pause = 90s, .longest_pause = 100s, .longest_outage = 200s};
    line.fates = {cut_after(size / 2)};
    const auto ended = read();
    expect_failure(ended, FailureKind::transient);
    EXPECT_EQ(ended.resumes, 0U);
}

TEST_F(ResumedRead, IsCancelledWhileItWaits) {
    limits = {.first_pause = 30s, .longest_pause = 30s, .longest_outage = 60s};
    asio::cancellation_signal cancel;
    std::exception_ptr thrown;
    line.fates = {{.body_bytes = size / 2, .after = [&] {
                       line.stop();
                       // By then the break has been noticed.
                       asio::co_spawn(loop, sleep_for(200ms), [&](const std::exception_ptr&) {
                           cancel.emit(asio::cancellation_type::terminal);
                       });
                   }}};
    loop.restart();
    asio::co_spawn(
        loop, read_through(announced),
        asio::bind_cancellation_slot(
            cancel.slot(), [&](const std::exception_ptr& error, const Ended&) { thrown = error; }));
    loop.run();
    EXPECT_TRUE(thrown);
    EXPECT_TRUE(pipe.broken());
}

}  // namespace
}  // namespace prewarm::s3
