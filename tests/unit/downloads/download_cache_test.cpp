#include "common/downloads/download_cache.hpp"

#include <fstream>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/pipe_reader.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/support/temporary_folder.hpp"

namespace prewarm::downloads {
namespace {

using namespace std::chrono_literals;

class DownloadCacheTest : public testing::Test {
protected:
    CacheOptions options() const {
        return {.folder = temporary.path() / "downloads", .most_bytes = 1'000'000, .ttl = 1h};
    }
    void use(CacheOptions changed) {
        cache.reset();
        cache.emplace(loop.get_executor(), std::move(changed));
        run(cache->open());
    }
    void SetUp() override { use(options()); }

    template <class T>
    T run(asio::awaitable<T> task) {
        return test::run_to_end(loop, std::move(task));
    }
    void run(asio::awaitable<void> task) { test::run_to_end(loop, std::move(task)); }

    Lookup find(std::string_view text, std::uint64_t announced = 0) {
        return run(cache->find(sha256_of(text), announced, Deadline::max()));
    }
    CacheResult result_for(std::string_view text, std::uint64_t announced = 0) {
        return find(text, announced).result;
    }

    static asio::awaitable<bool> fill(Keeper& keeper, std::string text) {
        if (!co_await keeper.begin(text.size())) co_return false;
        co_await keeper.write(std::make_shared<const std::string>(text));
        co_await keeper.keep();
        co_return true;
    }
    /// As if it had been downloaded.
    bool keep(const std::string& text) {
        auto lookup = find(text);
        return lookup.keeper && run(fill(*lookup.keeper, text));
    }

    std::filesystem::path file_of(std::string_view text) const {
        return temporary.path() / "downloads" / sha256_of(text).hex();
    }
    std::size_t files() {
        // After all that was to be done to them.
        cache.reset();
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator{temporary.path() / "downloads"}, {}));
    }

    test::TemporaryFolder temporary;
    asio::io_context loop;
    std::optional<DownloadCache> cache;
};

TEST_F(DownloadCacheTest, GivesWhatWasKept) {
    EXPECT_TRUE(keep("text"));
    auto lookup = find("text", 4);
    EXPECT_EQ(lookup.result, CacheResult::hit);
    ASSERT_TRUE(lookup.object);
    EXPECT_EQ(run(lookup.object->read_all()).value(), "text");
}

TEST_F(DownloadCacheTest, GivesItThroughAPipe) {
    std::string text;
    for (int i = 0; i < 100'000; ++i)
        text += std::to_string(i);
    ASSERT_TRUE(keep(text));
    auto lookup = find(text);
    BytePipe pipe{10'000};
    test::PipeReader reader{pipe};
    asio::co_spawn(loop, reader.read_to_end(), asio::detached);
    EXPECT_TRUE(run(lookup.object->read_into(pipe, 7'000, Deadline::max())));
    EXPECT_EQ(reader.got, text);
}

TEST_F(DownloadCacheTest, GivesNoLastByteOfABrokenCopyAndRemovesIt) {
    const std::string text(100'000, 'x');
    ASSERT_TRUE(keep(text));
    std::fstream{file_of(text)}.put('!');
    auto lookup = find(text);
    BytePipe pipe{10'000};
    test::PipeReader reader{pipe};
    asio::co_spawn(loop, reader.read_to_end(), asio::detached);
    const auto read = run(lookup.object->read_into(pipe, 7'000, Deadline::max()));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, FailureKind::mismatch);
    EXPECT_TRUE(pipe.broken());
    EXPECT_LT(reader.got.size(), text.size());
    lookup.object.reset();
    EXPECT_EQ(result_for(text), CacheResult::miss);
    EXPECT_EQ(files(), 0U);
}

TEST_F(DownloadCacheTest, MissesAFileThatIsGone) {
    ASSERT_TRUE(keep("text"));
    std::filesystem::remove(file_of("text"));
    EXPECT_EQ(result_for("text"), CacheResult::miss);
    EXPECT_TRUE(keep("text"));
    EXPECT_EQ(result_for("text"), CacheResult::hit);
}

TEST_F(DownloadCacheTest, LeavesAnotherSizeThanAnnouncedToR2) {
    ASSERT_TRUE(keep("text"));
    EXPECT_EQ(result_for("text", 5), CacheResult::bypass);
}

TEST_F(DownloadCacheTest, DoesNotKeepWhatIsLargerThanAll) {
    EXPECT_EQ(result_for("large", 1'000'001), CacheResult::bypass);
    EXPECT_FALSE(keep(std::string(1'000'001, 'x')));  // As it turns out.
    EXPECT_EQ(cache->taken_bytes(), 0U);
}

TEST_F(DownloadCacheTest, MakesRoomOnTheDiskAsWell) {
    for (const char c : {'a', 'b', 'c'})
        ASSERT_TRUE(keep(std::string(400'000, c)));
    EXPECT_LE(cache->taken_bytes(), 1'000'000U);
    EXPECT_EQ(result_for(std::string(400'000, 'a')), CacheResult::miss);
    EXPECT_EQ(result_for(std::string(400'000, 'c')), CacheResult::hit);
    EXPECT_EQ(files(), 2U);
}

TEST_F(DownloadCacheTest, RemovesNothingThatIsBeingRead) {
    const std::string text(600'000, 'a');
    ASSERT_TRUE(keep(text));
    auto reading = find(text);
    EXPECT_FALSE(keep(std::string(600'000, 'b')));
    EXPECT_EQ(run(reading.object->read_all()).value(), text);
    reading.object.reset();
    EXPECT_TRUE(keep(std::string(600'000, 'b')));
}

TEST_F(DownloadCacheTest, RemovesWhatIsOld) {
    auto brief = options();
    brief.ttl = 0ms;
    use(brief);
    ASSERT_TRUE(keep("text"));
    cache->remove_old();
    EXPECT_EQ(cache->taken_bytes(), 0U);
    EXPECT_EQ(result_for("text"), CacheResult::miss);
    EXPECT_EQ(files(), 0U);
}

TEST_F(DownloadCacheTest, TakesOverWhatAFormerProcessKept) {
    ASSERT_TRUE(keep("text"));
    ASSERT_TRUE(keep("older"));
    std::filesystem::last_write_time(file_of("older"),
                                     std::filesystem::file_time_type::clock::now() - 2h);
    temporary.file("downloads/" + sha256_of("huge").hex(), std::string(1'000'001, 'x'));
    temporary.file("downloads/" + sha256_of("text").hex() + ".5.part", "te");
    use(options());
    EXPECT_EQ(result_for("text"), CacheResult::hit);
    EXPECT_EQ(result_for("older"), CacheResult::miss);
    EXPECT_EQ(files(), 1U);
}

TEST_F(DownloadCacheTest, LeavesNothingOfADownloadThatWasGivenUp) {
    {
        auto lookup = find("text");
        ASSERT_TRUE(run(lookup.keeper->begin(4)));
        run(lookup.keeper->write(std::make_shared<const std::string>("te")));
    }
    EXPECT_EQ(cache->taken_bytes(), 0U);
    EXPECT_EQ(result_for("text"), CacheResult::miss);
    EXPECT_EQ(files(), 0U);
}

TEST_F(DownloadCacheTest, IsBypassedWithoutItsFolder) {
    auto wrong = options();
    wrong.folder = temporary.file("file", "") / "downloads";
    use(wrong);
    EXPECT_EQ(result_for("text"), CacheResult::bypass);
}

TEST_F(DownloadCacheTest, IsBypassedAfterTroubleAndComesBack) {
    auto hasty = options();
    hasty.rest = 0ms;
    use(hasty);
    ASSERT_TRUE(keep("text"));
    std::filesystem::remove_all(temporary.path() / "downloads");
    EXPECT_FALSE(keep("other"));
    EXPECT_EQ(result_for("other"), CacheResult::bypass);

    asio::cancellation_signal stop;
    asio::co_spawn(loop, cache->run(), asio::bind_cancellation_slot(stop.slot(), asio::detached));
    loop.restart();
    while (!cache->is_open())
        loop.run_one();
    stop.emit(asio::cancellation_type::terminal);
    EXPECT_TRUE(keep("other"));
    EXPECT_EQ(result_for("text"), CacheResult::miss);
}

// ---- one download for all --------------------------------------------------------------------

class Waiters : public DownloadCacheTest {
protected:
    void start(std::string_view text) {
        asio::co_spawn(loop, cache->find(sha256_of(text), 0, Deadline::max()),
                       [this](std::exception_ptr, Lookup lookup) {
                           results.push_back(lookup.result);
                           given.push_back(std::move(lookup));
                       });
    }
    void turn() {
        loop.restart();
        loop.poll();
    }

    std::vector<CacheResult> results;
    std::vector<Lookup> given;
};

TEST_F(Waiters, ShareADownload) {
    auto first = find("text");
    start("text");
    start("text");
    turn();
    EXPECT_EQ(cache->waiting(), 2U);
    ASSERT_TRUE(run(fill(*first.keeper, "text")));
    EXPECT_THAT(results, testing::Each(CacheResult::shared));
    ASSERT_THAT(given, testing::SizeIs(2));
    EXPECT_EQ(run(given[0].object->read_all()).value(), "text");
    EXPECT_EQ(run(given[1].object->read_all()).value(), "text");
    given.clear();
}

TEST_F(Waiters, OneTakesOverWhatWasGivenUpAndTheOthersWaitOn) {
    auto first = find("text");
    start("text");
    start("text");
    turn();
    first.keeper.reset();
    turn();
    EXPECT_THAT(results, testing::ElementsAre(CacheResult::miss));
    EXPECT_EQ(cache->waiting(), 1U);
    ASSERT_TRUE(run(fill(*given[0].keeper, "text")));
    EXPECT_THAT(results, testing::ElementsAre(CacheResult::miss, CacheResult::shared));
    given.clear();
}

TEST_F(Waiters, DoNotWaitForOneThatDoesNotGetOn) {
    auto hasty = options();
    hasty.longest_stall = 0ms;
    use(hasty);
    const auto first = find("text");
    EXPECT_EQ(result_for("text"), CacheResult::bypass);
}

TEST_F(Waiters, DoNotWaitForEver) {
    auto hasty = options();
    hasty.longest_wait = 0ms;
    use(hasty);
    const auto first = find("text");
    EXPECT_EQ(result_for("text"), CacheResult::bypass);
}

TEST_F(Waiters, OfOtherObjectsDoNotWait) {
    const auto first = find("text");
    EXPECT_EQ(result_for("other"), CacheResult::miss);
}

}  // namespace
}  // namespace prewarm::downloads
