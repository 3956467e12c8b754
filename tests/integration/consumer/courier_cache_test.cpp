#include <csignal>
#include <filesystem>
#include <fstream>
#include <list>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <sys/resource.h>

#include "tests/integration/consumer/courier_fixture.hpp"
#include "tests/support/sandbox_faults.hpp"
#include "tests/support/temporary_folder.hpp"

// Several bots need one object, and the courier has a download cache.

namespace prewarm {
namespace {

using downloads::CacheResult;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr std::size_t large = 3'000'000;

class CourierCache : public CourierTest {
protected:
    void SetUp() override { use_cache({.folder = folder, .most_bytes = 100'000'000, .ttl = 1h}); }

    void use_cache(downloads::CacheOptions changed) {
        cache.reset();
        cache.emplace(loop.get_executor(), std::move(changed));
        run([](downloads::DownloadCache& opened) -> Task<> {
            co_await opened.open();
            co_return Result<>{};
        }(*cache))
            .value();
        auto with_cache = options();
        with_cache.cache = &*cache;
        with_cache.token_of = [](std::string_view slug) {
            return Secret{"123456:secret-of-the-bot-of-" + std::string{slug} + "-and-more"};
        };
        use(std::move(with_cache));
    }

    void play(std::string rules) { test::put_faults(loop, sandbox.url(), std::move(rules)); }

    static Upload for_bot(Upload upload, std::string slug) {
        upload.media.bot_slug = std::move(slug);
        return upload;
    }

    /// Carries it, too, while the loop runs.
    void start(Upload upload) {
        started.push_back(std::make_unique<asio::cancellation_signal>());
        uploads.push_back(std::move(upload));
        asio::co_spawn(loop, courier->carry(uploads.back(), errand),
                       asio::bind_cancellation_slot(
                           started.back()->slot(),
                           [this](const std::exception_ptr& thrown, const Result<Sent>& sent) {
                               if (thrown) return void(++cancelled);
                               EXPECT_TRUE(sent) << sent.error().detail;
                           }));
    }
    void until(const std::function<bool()>& happened) {
        loop.restart();
        while (!happened() && loop.run_one() != 0) {
        }
        ASSERT_TRUE(happened());
    }
    void run_out() {
        loop.restart();
        loop.run();
    }

    std::vector<CacheResult> results() const {
        std::vector<CacheResult> all;
        for (const auto& report : reports)
            all.push_back(report.cache.value());
        return all;
    }
    void expect_posted(std::size_t times, const Upload& upload) {
        const auto postings = received();
        EXPECT_THAT(postings, SizeIs(times));
        for (const auto& posting : postings)
            EXPECT_EQ(posting.at("sha256").as_string(), upload.media.sha256.hex());
    }
    int reads_from_r2() {
        const auto all = stats();
        const auto& requests = all.at("r2").at("requests").as_object();
        return requests.contains("GET") ? requests.at("GET").to_number<int>() : 0;
    }
    /// After all that was to be done to them.
    std::vector<std::string> files() {
        cache.reset();
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator{folder})
            names.push_back(entry.path().filename());
        return names;
    }

    test::TemporaryFolder temporary;
    std::filesystem::path folder = temporary.path() / "downloads";
    std::optional<downloads::DownloadCache> cache;
    std::vector<std::unique_ptr<asio::cancellation_signal>> started;
    std::list<Upload> uploads;  // Of those that were started.
    int cancelled = 0;
};

class CacheOfAnySize : public CourierCache, public testing::WithParamInterface<std::size_t> {};

TEST_P(CacheOfAnySize, SparesR2TheSecondBot) {
    const auto upload = uploaded(MediaKind::document, numbered(GetParam()));
    ASSERT_TRUE(carry(upload));
    // Were R2 asked, it would not know it.
    auto elsewhere = for_bot(upload, "dogs");
    elsewhere.r2_key = "not-there";
    const auto sent = carry(elsewhere);
    ASSERT_TRUE(sent) << sent.error().detail;
    EXPECT_EQ(sent->bytes, upload.bytes);
    expect_posted(2, upload);
    EXPECT_EQ(reads_from_r2(), 1);
    EXPECT_THAT(results(), ElementsAre(CacheResult::miss, CacheResult::hit));
    EXPECT_EQ(reports[0].downloaded_bytes, upload.bytes);
    EXPECT_EQ(reports[1].downloaded_bytes, 0U);
    EXPECT_EQ(reports[1].uploaded_bytes, upload.bytes);
    EXPECT_FALSE(reports[1].r2_first_byte);
    EXPECT_THAT(files(), ElementsAre(upload.media.sha256.hex()));
}

// Around a piece for the disk, the ring, and many pieces.
INSTANTIATE_TEST_SUITE_P(Sizes, CacheOfAnySize,
                         testing::Values(1, 65'536, 262'144, 262'145, 327'680, 327'681, 1'000'000,
                                         7'654'321));

class BrokenCopy : public CourierCache, public testing::WithParamInterface<std::size_t> {};

TEST_P(BrokenCopy, IsReplacedByTheObjectInR2) {
    const auto upload = uploaded(MediaKind::document, numbered(GetParam()));
    ASSERT_TRUE(carry(upload));
    {
        std::fstream file{folder / upload.media.sha256.hex()};
        file.seekp(static_cast<std::streamoff>(GetParam() - 1));
        file.put('!');
    }
    const auto sent = carry(for_bot(upload, "dogs"));
    ASSERT_TRUE(sent) << sent.error().detail;
    expect_posted(2, upload);
    EXPECT_EQ(reads_from_r2(), 2);
    EXPECT_THAT(results(), ElementsAre(CacheResult::miss, CacheResult::bypass));
    EXPECT_THAT(files(), IsEmpty());
}

TEST_P(BrokenCopy, ThatWasCutShortIsReplacedToo) {
    const auto upload = uploaded(MediaKind::document, numbered(GetParam()));
    ASSERT_TRUE(carry(upload));
    std::filesystem::resize_file(folder / upload.media.sha256.hex(), GetParam() / 2);
    ASSERT_TRUE(carry(for_bot(upload, "dogs")));
    expect_posted(2, upload);
    EXPECT_THAT(results(), ElementsAre(CacheResult::miss, CacheResult::miss));
}

INSTANTIATE_TEST_SUITE_P(Sizes, BrokenCopy, testing::Values(100'000, large));

TEST_F(CourierCache, DownloadsOnceForAllWhoAskAtOnce) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    for (const auto* bot : {"cats", "dogs", "cows"})
        start(for_bot(upload, bot));
    run_out();
    expect_posted(3, upload);
    EXPECT_EQ(reads_from_r2(), 1);
    EXPECT_THAT(results(),
                UnorderedElementsAre(CacheResult::miss, CacheResult::shared, CacheResult::shared));
}

TEST_F(CourierCache, GoesOnWithoutAFirstOneThatIsCancelled) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    play(R"([{"side": "r2", "times": 1, "stall_at": 1000000, "stall_ms": 60000}])");
    start(upload);
    until([&] { return cache->taken_bytes() != 0; });
    start(for_bot(upload, "dogs"));
    until([&] { return cache->waiting() == 1; });
    started[0]->emit(asio::cancellation_type::terminal);
    run_out();
    EXPECT_EQ(cancelled, 1);
    expect_posted(1, upload);
    EXPECT_THAT(results(), ElementsAre(CacheResult::miss));
    EXPECT_THAT(files(), ElementsAre(upload.media.sha256.hex()));
}

TEST_F(CourierCache, GoesOnWithoutAFirstOneThatStalls) {
    use_cache({.folder = folder, .most_bytes = 100'000'000, .ttl = 1h, .longest_stall = 50ms});
    const auto upload = uploaded(MediaKind::document, numbered(large));
    play(R"([{"side": "r2", "times": 1, "stall_at": 1000000, "stall_ms": 1000}])");
    start(upload);
    until([&] { return cache->taken_bytes() != 0; });
    start(for_bot(upload, "dogs"));
    run_out();
    expect_posted(2, upload);
    EXPECT_THAT(results(), ElementsAre(CacheResult::bypass, CacheResult::miss));
}

TEST_F(CourierCache, IsPassedByWhatIsLarger) {
    use_cache({.folder = folder, .most_bytes = 1 << 20, .ttl = 1h});
    auto upload = uploaded(MediaKind::document, numbered(large));
    EXPECT_TRUE(carry(upload));
    upload.bytes = 0;
    EXPECT_TRUE(carry(for_bot(upload, "dogs")));
    expect_posted(2, upload);
    EXPECT_THAT(results(), ElementsAre(CacheResult::bypass, CacheResult::bypass));
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CourierCache, MakesRoomForTheLatest) {
    use_cache({.folder = folder, .most_bytes = 4 << 20, .ttl = 1h});
    auto first = uploaded(MediaKind::document, numbered(large));
    ASSERT_TRUE(carry(first));
    auto second = uploaded(MediaKind::document, std::string(large, 'x'));
    ASSERT_TRUE(carry(second));
    EXPECT_LE(cache->taken_bytes(), 4U << 20);
    EXPECT_THAT(files(), ElementsAre(second.media.sha256.hex()));
}

TEST_F(CourierCache, IsDoneWithoutWhereItsFolderCannotBe) {
    use_cache(
        {.folder = temporary.file("file", "") / "downloads", .most_bytes = 1 << 20, .ttl = 1h});
    const auto upload = uploaded(MediaKind::document, numbered(large));
    EXPECT_TRUE(carry(upload));
    expect_posted(1, upload);
    EXPECT_THAT(results(), ElementsAre(CacheResult::bypass));
}

TEST_F(CourierCache, IsDoneWithoutWhereTheDiskIsFull) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    // What it does to a file that grows too large, a full disk does as well.
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit full{1'000'000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &full);
    const auto first = carry(upload);
    const auto second = carry(for_bot(upload, "dogs"));
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    ASSERT_TRUE(first) << first.error().detail;
    ASSERT_TRUE(second) << second.error().detail;
    expect_posted(2, upload);
    EXPECT_EQ(results()[1], CacheResult::bypass);
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CourierCache, KeepsNothingThatIsNotWhatWasAnnounced) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    play(R"([{"side": "r2", "corrupt": 2999999}])");
    const auto sent = carry(upload);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, FailureKind::mismatch) << sent.error().detail;
    EXPECT_EQ(sent.error().source, Dependency::r2);
    EXPECT_THAT(received(), IsEmpty());
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CourierCache, ReportsR2sFailureAsR2s) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    play(R"([{"side": "r2", "method": "GET", "times": 1, "cut": 1000000},
             {"side": "r2", "status": 404, "code": "NoSuchKey", "message": "Gone."}])");
    const auto sent = carry(upload);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, FailureKind::not_found) << sent.error().detail;
    EXPECT_EQ(sent.error().source, Dependency::r2);
    EXPECT_THAT(received(), IsEmpty());
    EXPECT_EQ(telegram.running(), 0U);
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CourierCache, KeepsADownloadThatWasResumed) {
    const auto upload = uploaded(MediaKind::document, numbered(large));
    play(R"([{"side": "r2", "method": "GET", "times": 2, "cut": 700000}])");
    ASSERT_TRUE(carry(upload));
    ASSERT_TRUE(carry(for_bot(upload, "dogs")));
    expect_posted(2, upload);
    EXPECT_EQ(reports[0].r2_resumes, 2U);
    EXPECT_THAT(results(), ElementsAre(CacheResult::miss, CacheResult::hit));
}

TEST_F(CourierCache, KeepsNothingOfWhatTelegramRefusesEarly) {
    // Larger than the sandbox, as Telegram's own server, takes.
    const auto upload = uploaded(MediaKind::document, std::string(60'000'000, 'x'));
    auto lenient = options();
    lenient.cache = &*cache;
    lenient.telegram_server = telegram::Server::local;
    use(std::move(lenient));
    const auto sent = carry(upload);
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().kind, FailureKind::too_large) << sent.error().detail;
    EXPECT_LT(reports.at(0).downloaded_bytes, upload.bytes);
    EXPECT_EQ(r2.running(), 0U);
    EXPECT_EQ(cache->taken_bytes(), 0U);
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(CourierCache, IsOffByDefault) {
    use(options());
    ASSERT_TRUE(carry(uploaded(MediaKind::document, "small")));
    EXPECT_FALSE(reports.at(0).cache);
}

}  // namespace
}  // namespace prewarm
