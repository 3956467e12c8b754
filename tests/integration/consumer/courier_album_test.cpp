#include <boost/asio/co_spawn.hpp>

#include "consumer/adapters/album_desk.hpp"
#include "tests/integration/consumer/courier_fixture.hpp"
#include "tests/support/sandbox_faults.hpp"

namespace prewarm {
namespace {

using testing::SizeIs;

/// Photos whose turns have come together.
class CourierAlbums : public CourierTest {
protected:
    CourierAlbums() {
        auto with_albums = options();
        with_albums.albums = &desk;
        use(std::move(with_albums));
        for (std::size_t i = 0; i < 10; ++i)
            add(bytes_of(test::sample_of(MediaKind::photo)) + std::to_string(i));
    }

    void add(std::string bytes) {
        auto upload = uploaded(MediaKind::photo, bytes);
        upload.r2_key = "photo" + std::to_string(added++);
        put(upload.r2_key, std::move(bytes));
        uploads.push_back(std::move(upload));
    }

    asio::awaitable<void> carry_one(std::size_t index, warm::Turn its_turn) {
        auto its_errand = errand;
        its_errand.turn = std::move(its_turn);
        results[index] = co_await courier->carry(uploads[index], its_errand);
    }
    asio::awaitable<void> carry_in_album(const std::vector<std::size_t>& indexes) {
        const warm::Album album{.id = "album" + std::to_string(++albums), .size = indexes.size()};
        for (const auto index : indexes)
            jobs.spawn(carry_one(index, {.chat_id = -100123, .permit = "p", .album = album}));
        co_await jobs.join(deadline_in(60s));
    }
    /// All at once, and then again alone whoever has to.
    void carry_all() {
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < uploads.size(); ++i)
            all.push_back(i);
        const auto carry_them = [this, &all]() -> asio::awaitable<void> {
            co_await carry_in_album(all);
            for (const auto index : all) {
                const auto& result = results[index];
                if (!result || *result || result->error().kind != FailureKind::way_closed) continue;
                ++again;
                EXPECT_FALSE(desk.takes(uploads[index]));
                co_await carry_one(index, errand.turn);
            }
        };
        test::run_to_end(loop, carry_them());
    }
    void expect_posted(std::size_t index) {
        ASSERT_TRUE(results[index]);
        ASSERT_TRUE(*results[index]) << results[index]->error().detail;
        for (const auto& one : received()) {
            if (one.at("file_id").as_string() == (*results[index])->file_id) {
                EXPECT_EQ(one.at("sha256").as_string(), uploads[index].media.sha256.hex());
                return;
            }
        }
        FAIL() << "not posted";
    }
    std::uint64_t requests(const char* method) {
        const auto all = stats().at("telegram").at("requests").as_object();
        return all.contains(method) ? all.at(method).to_number<std::uint64_t>() : 0;
    }

    telegram::BotClient bots{telegram, sandbox.url()};
    AlbumDesk desk{loop.get_executor(),
                   {.send = [this](Secret token, std::vector<telegram::OutgoingMedia> photos,
                                   Deadline deadline) {
                       return bots.send_album(std::move(token), std::move(photos), deadline);
                   }}};
    TaskGroup jobs{loop.get_executor()};
    std::vector<Upload> uploads;
    std::map<std::size_t, std::optional<Result<Sent>>> results;
    int added = 0;
    int albums = 0;
    int again = 0;
};

TEST_F(CourierAlbums, CarryTenPhotosWithOneRequest) {
    carry_all();
    EXPECT_EQ(requests("sendMediaGroup"), 1U);
    EXPECT_EQ(telegram_requests(), 1U);
    for (std::size_t i = 0; i < uploads.size(); ++i)
        expect_posted(i);
    ASSERT_THAT(reports, SizeIs(10));
    for (const auto& report : reports) {
        EXPECT_TRUE(report.in_album);
        EXPECT_TRUE(report.telegram);
        EXPECT_GT(report.uploaded_bytes, 0U);
    }
}

TEST_F(CourierAlbums, SendTheOthersAloneWhenOneIsRefused) {
    uploads.erase(uploads.begin() + 4);
    add("no picture");
    carry_all();
    EXPECT_EQ(results[9]->error().kind, FailureKind::refused) << results[9]->error().detail;
    EXPECT_EQ(again, 9);
    EXPECT_EQ(requests("sendMediaGroup"), 1U);
    EXPECT_EQ(requests("sendPhoto"), 9U);
    EXPECT_EQ(received().size(), 9U);
    for (std::size_t i = 0; i < 9; ++i)
        expect_posted(i);
}

TEST_F(CourierAlbums, GoWithoutAnObjectThatIsMissingOrCorrupt) {
    uploads[3].r2_key = "nothing";
    uploads[5].media.sha256 = sha256_of("another");
    carry_all();
    EXPECT_EQ(results[3]->error().kind, FailureKind::not_found);
    EXPECT_EQ(results[5]->error().kind, FailureKind::mismatch);
    EXPECT_EQ(telegram_requests(), 1U);
    EXPECT_EQ(received().size(), 8U);
    expect_posted(2);
    expect_posted(9);
}

TEST_F(CourierAlbums, SendTheLastOneLeftAsAlways) {
    uploads.resize(2);
    uploads[0].r2_key = "nothing";
    carry_all();
    EXPECT_EQ(requests("sendMediaGroup"), 0U);
    EXPECT_EQ(requests("sendPhoto"), 1U);
    expect_posted(1);
    EXPECT_FALSE(reports.back().in_album);
}

TEST_F(CourierAlbums, DoNotWaitForOneThatR2IsSlowWith) {
    test::put_faults(loop, sandbox.url(),
                     R"([{"side": "r2", "key": "photo7", "times": 1, "hang_ms": 5000}])");
    carry_all();
    EXPECT_EQ(requests("sendMediaGroup"), 1U);
    EXPECT_EQ(requests("sendPhoto"), 1U);
    EXPECT_EQ(received().size(), 10U);
    expect_posted(7);
}

TEST_F(CourierAlbums, GoOnWithoutThoseThatAreCancelled) {
    test::put_faults(loop, sandbox.url(), R"([{"side": "telegram", "times": 1, "hang_ms": 300}])");
    const auto cancel_two = [this]() -> asio::awaitable<void> {
        TaskGroup cancelled{loop.get_executor()};
        const warm::Album album{.id = "one", .size = 10};
        for (std::size_t i = 0; i < 10; ++i) {
            auto& group = i == 0 || i == 6 ? cancelled : jobs;
            group.spawn(carry_one(i, {.chat_id = -100123, .permit = "p", .album = album}));
        }
        while (telegram.running() == 0)
            co_await sleep_for(1ms);
        cancelled.cancel_all();
        EXPECT_TRUE(co_await cancelled.join(deadline_in(5s)));
        EXPECT_TRUE(co_await jobs.join(deadline_in(60s)));
    };
    test::run_to_end(loop, cancel_two());
    EXPECT_EQ(telegram_requests(), 1U);
    EXPECT_THAT(results, SizeIs(8));
    for (const auto& [index, result] : results)
        expect_posted(index);
}

TEST_F(CourierAlbums, AreAllPossibleDuplicatesWhenNoAnswerCame) {
    test::put_faults(loop, sandbox.url(),
                     R"([{"side": "telegram", "times": 1, "reset": "after"}])");
    carry_all();
    for (const auto& [index, result] : results)
        EXPECT_EQ(result->error().kind, FailureKind::outcome_unknown);
    ASSERT_THAT(reports, SizeIs(10));
    for (const auto& report : reports)
        EXPECT_TRUE(report.outcome_unknown);
    EXPECT_TRUE(desk.takes(uploads[0]));
}

}  // namespace
}  // namespace prewarm
