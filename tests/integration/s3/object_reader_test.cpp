#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "tests/integration/s3/s3_fixture.hpp"
#include "tests/support/pipe_reader.hpp"

namespace prewarm::s3 {
namespace {

using testing::HasSubstr;

class RangeOfAnObject : public S3Test {
protected:
    Result<std::string> read(std::uint64_t first, std::size_t size) {
        return run(reader.read_range(name, version, first, size, soon()));
    }

    Task<Version> version_there() {
        auto opened = co_await reader.open(name, {}, soon());
        if (!opened) co_return opened.error();
        co_return Version{opened->size_bytes(), opened->etag()};
    }

    void put_and_open(std::string content) {
        put(name, std::move(content));
        const auto there = run(version_there());
        ASSERT_TRUE(there) << there.error().detail;
        version = *there;
    }

    std::string bytes = numbered(300'000);
    ObjectName name = object("range");
    Version version;
};

TEST_F(RangeOfAnObject, IsReadByItself) {
    put_and_open(bytes);
    EXPECT_EQ(read(0, 1), bytes.substr(0, 1));
    EXPECT_EQ(read(123'456, 70'000), bytes.substr(123'456, 70'000));
    EXPECT_EQ(read(bytes.size() - 3, 3), bytes.substr(bytes.size() - 3));
}

TEST_F(RangeOfAnObject, IsOfTheVersionThatWasOpened) {
    put_and_open(bytes);
    put(name, numbered(300'001));
    const auto changed = read(0, 10);
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().kind, FailureKind::mismatch) << changed.error().detail;
}

/// Reads an object through a small pipe.
class PipedObject : public S3Test {
protected:
    Result<> read_through(Announced announced) { return run(read(announced)); }

    Task<> read(Announced announced) {
        auto opened = co_await reader.open(name, announced, soon());
        if (!opened) co_return opened.error();
        EXPECT_EQ(opened->size_bytes(), bytes.size());
        EXPECT_FALSE(opened->etag().empty());
        EXPECT_GT(opened->first_byte().count(), 0);
        test::PipeReader far_end{pipe};
        bool ended = false;
        asio::co_spawn(loop, far_end.read_to_end(),
                       [&](const std::exception_ptr&) { ended = true; });
        auto result = co_await opened->read_into(pipe);
        while (!ended)
            co_await asio::post(asio::use_awaitable);
        got = far_end.got;
        co_return result;
    }

    std::string bytes = numbered(3'000'000);
    ObjectName name = object("piped");
    BytePipe pipe{50'000};
    std::string got;
};

TEST_F(PipedObject, ArrivesWholeAndVerified) {
    put(name, bytes);
    const auto read = read_through({bytes.size(), sha256_of(bytes)});
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_TRUE(got == bytes);
    EXPECT_TRUE(pipe.drained());
}

TEST_F(PipedObject, ArrivesThroughAPipeLargerThanItself) {
    bytes = "small";
    put(name, bytes);
    EXPECT_TRUE(read_through({bytes.size(), sha256_of(bytes)}));
    EXPECT_EQ(got, bytes);
}

TEST_F(PipedObject, MayBeEmpty) {
    bytes = "";
    put(name, bytes);
    EXPECT_TRUE(read_through({0, sha256_of("")}));
    EXPECT_TRUE(pipe.drained());
}

TEST_F(PipedObject, IsNeverCompleteWhenItsDigestDiffers) {
    put(name, bytes);
    const auto read = read_through({bytes.size(), sha256_of("another")});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::mismatch);
    EXPECT_THAT(read.error().detail, HasSubstr(sha256_of("another").hex()));
    EXPECT_LT(got.size(), bytes.size());
    EXPECT_TRUE(pipe.broken());
}

TEST_F(PipedObject, GivesNothingOfASmallOneWhoseDigestDiffers) {
    bytes = "small";
    put(name, bytes);
    EXPECT_FALSE(read_through({bytes.size(), sha256_of("another")}));
    EXPECT_EQ(got, "");
    EXPECT_TRUE(pipe.broken());
}

TEST_F(PipedObject, IsNotReadWhenItsSizeIsAnother) {
    put(name, bytes);
    const auto read = read_through({bytes.size() + 1, sha256_of(bytes)});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::mismatch);
    EXPECT_EQ(got, "");
}

TEST_F(PipedObject, BreaksThePipeWhenItsReadIsCancelled) {
    put(name, bytes);
    asio::cancellation_signal cancel;
    std::exception_ptr thrown;
    auto read_it = [&]() -> Task<> {
        auto opened = co_await reader.open(name, {}, soon());
        if (!opened) co_return opened.error();
        // Nobody reads: the pipe fills up, and the download waits.
        asio::steady_timer later{loop, 20ms};
        later.async_wait([&](boost::system::error_code) {
            EXPECT_GT(pipe.size_bytes(), 0U);
            cancel.emit(asio::cancellation_type::terminal);
        });
        co_return co_await opened->read_into(pipe);
    };
    loop.restart();
    asio::co_spawn(
        loop, read_it(),
        asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr& error,
                                                        const Result<>&) { thrown = error; }));
    loop.run();
    EXPECT_TRUE(thrown);
    EXPECT_TRUE(pipe.broken());
    EXPECT_EQ(client.running(), 0U);
}

TEST_F(S3Test, VerifiesAWholeObject) {
    const auto name = object("a");
    put(name, "abc");
    const auto right = run(read_whole(name, {3, sha256_of("abc")}));
    ASSERT_TRUE(right) << right.error().detail;
    EXPECT_EQ(*right, "abc");
    const auto wrong = run(read_whole(name, {3, sha256_of("abd")}));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().kind, FailureKind::mismatch);
}

TEST_F(S3Test, KeepsItsConnection) {
    const auto name = object("a");
    put(name, "abc");
    for (int i = 0; i < 5; ++i)
        EXPECT_TRUE(run(read_whole(name, {})));
    EXPECT_EQ(client.connections_made(), 1U);
}

TEST_F(S3Test, ReadsManyAtOnce) {
    const auto name = object("a");
    const auto bytes = numbered(300'000);
    put(name, bytes);
    int right = 0;
    for (int i = 0; i < 20; ++i) {
        asio::co_spawn(loop, read_whole(name, {bytes.size(), sha256_of(bytes)}),
                       [&](const std::exception_ptr& thrown, const Result<std::string>& read) {
                           if (!thrown && read && *read == bytes) ++right;
                       });
    }
    loop.restart();
    loop.run();
    EXPECT_EQ(right, 20);
}

}  // namespace
}  // namespace prewarm::s3
