#include "consumer/adapters/album_desk.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_to_end.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

/// Photos that are sent to nobody.
class AlbumDeskTest : public ::testing::Test {
protected:
    using Photos = std::vector<std::string>;

    AlbumDesk::Options options(std::chrono::milliseconds patience = 1h) {
        return {.send = [this](Secret, std::vector<telegram::OutgoingMedia> photos,
                               Deadline) { return send(std::move(photos)); },
                .patience = patience,
                .most_remembered = 2};
    }
    asio::awaitable<std::vector<telegram::Posting>> send(
        std::vector<telegram::OutgoingMedia> photos) {
        Photos sent;
        std::vector<telegram::Posting> postings;
        for (const auto& photo : photos) {
            sent.push_back(photo.file_name);
            postings.push_back({.sent = failure ? Result<Sent>{*failure}
                                                : Sent{.file_id = "id of " + photo.file_name}});
        }
        requests.push_back(std::move(sent));
        struct End {
            bool& reached;
            bool is_done = false;
            ~End() { reached = is_done; }
        } end{is_sent};
        while (hangs)
            co_await sleep_for(1ms);
        end.is_done = true;
        co_return postings;
    }

    static Upload upload_of(const std::string& name) {
        return {.media = {.bot_slug = "cats", .sha256 = sha256_of(name), .kind = MediaKind::photo},
                .bytes = 1000};
    }
    asio::awaitable<void> go(AlbumDesk& desk, warm::Album album, std::string name) {
        auto seat = desk.seat_of(upload_of(name), {.chat_id = -1, .album = album});
        telegram::OutgoingMedia photo{.kind = MediaKind::photo,
                                      .chat_id = -1,
                                      .content = "bytes of " + name,
                                      .file_name = name};
        const auto posting = co_await seat.go(Secret{"token"}, photo, deadline_in(60s));
        if (!posting) {
            EXPECT_EQ(std::get<std::string>(photo.content), "bytes of " + name);
            alone.push_back(name);
        } else if (!posting->sent) {
            failed.push_back(posting->sent.error().kind);
        } else {
            EXPECT_EQ(posting->sent->file_id, "id of " + name);
            together.push_back(name);
        }
    }

    /// Runs `body`, and then lets go of what still waits.
    template <class Body>
    void run(AlbumDesk& desk, Body body) {
        test::run_to_end(loop, [&]() -> asio::awaitable<void> {
            co_await body();
            jobs.cancel_all();
            EXPECT_TRUE(co_await jobs.join(deadline_in(5s)));
            EXPECT_TRUE(co_await desk.close(deadline_in(5s)));
        }());
    }
    asio::awaitable<void> all_done() { (void)co_await jobs.join(deadline_in(5s)); }

    asio::io_context loop;
    TaskGroup jobs{loop.get_executor()};
    std::optional<Failure> failure;
    bool hangs = false;
    bool is_sent = false;
    std::vector<Photos> requests;
    Photos together;
    Photos alone;
    std::vector<FailureKind> failed;
};

TEST_F(AlbumDeskTest, SendsThemTogetherWhenAllAreThere) {
    AlbumDesk desk{loop.get_executor(), options()};
    run(desk, [&]() -> asio::awaitable<void> {
        for (const auto* name : {"a", "b", "c"})
            jobs.spawn(go(desk, {"one", 3}, name));
        co_await all_done();
        EXPECT_THAT(requests, ElementsAre(ElementsAre("a", "b", "c")));
        EXPECT_THAT(together, UnorderedElementsAre("a", "b", "c"));
    });
}

TEST_F(AlbumDeskTest, KeepsAlbumsApart) {
    AlbumDesk desk{loop.get_executor(), options()};
    run(desk, [&]() -> asio::awaitable<void> {
        for (const auto* name : {"a", "b"}) {
            jobs.spawn(go(desk, {"one", 2}, name));
            jobs.spawn(go(desk, {"two", 2}, name + std::string{"2"}));
        }
        co_await all_done();
        EXPECT_THAT(requests, UnorderedElementsAre(ElementsAre("a", "b"), ElementsAre("a2", "b2")));
    });
}

TEST_F(AlbumDeskTest, DoesNotWaitForWhoHasLeft) {
    AlbumDesk desk{loop.get_executor(), options()};
    run(desk, [&]() -> asio::awaitable<void> {
        desk.leave({"one", 4});
        jobs.spawn(go(desk, {"one", 4}, "a"));
        jobs.spawn(go(desk, {"one", 4}, "b"));
        co_await sleep_for(5ms);
        EXPECT_THAT(requests, IsEmpty());
        // As the seat of one whose object is missing.
        (void)desk.seat_of(upload_of("c"), {.chat_id = -1, .album = warm::Album{"one", 4}});
        co_await all_done();
        EXPECT_THAT(requests, ElementsAre(ElementsAre("a", "b")));
    });
}

TEST_F(AlbumDeskTest, LeavesTheLastOneToItself) {
    AlbumDesk desk{loop.get_executor(), options()};
    run(desk, [&]() -> asio::awaitable<void> {
        jobs.spawn(go(desk, {"one", 3}, "a"));
        co_await sleep_for(5ms);
        desk.leave({"one", 3});
        desk.leave({"one", 3});
        co_await all_done();
        EXPECT_THAT(requests, IsEmpty());
        EXPECT_THAT(alone, ElementsAre("a"));
    });
}

TEST_F(AlbumDeskTest, WaitsNoLongerThanItsPatience) {
    AlbumDesk desk{loop.get_executor(), options(5ms)};
    run(desk, [&]() -> asio::awaitable<void> {
        jobs.spawn(go(desk, {"one", 3}, "a"));
        jobs.spawn(go(desk, {"one", 3}, "b"));
        co_await all_done();
        EXPECT_THAT(together, UnorderedElementsAre("a", "b"));
        jobs.spawn(go(desk, {"one", 3}, "late"));
        co_await all_done();
        EXPECT_THAT(alone, ElementsAre("late"));
        EXPECT_THAT(requests, SizeIs(1));
    });
}

TEST_F(AlbumDeskTest, GoesOnWithoutAMemberThatIsCancelledBeforeItGoes) {
    AlbumDesk desk{loop.get_executor(), options()};
    run(desk, [&]() -> asio::awaitable<void> {
        TaskGroup cancelled{loop.get_executor()};
        cancelled.spawn(go(desk, {"one", 3}, "gone"));
        jobs.spawn(go(desk, {"one", 3}, "a"));
        co_await sleep_for(5ms);
        cancelled.cancel_all();
        co_await cancelled.join(deadline_in(5s));
        jobs.spawn(go(desk, {"one", 3}, "b"));
        co_await all_done();
        EXPECT_THAT(requests, ElementsAre(ElementsAre("a", "b")));
    });
}

TEST_F(AlbumDeskTest, TellsTheOthersWhenAMemberIsCancelledOnTheWay) {
    AlbumDesk desk{loop.get_executor(), options()};
    hangs = true;
    run(desk, [&]() -> asio::awaitable<void> {
        TaskGroup cancelled{loop.get_executor()};
        cancelled.spawn(go(desk, {"one", 3}, "gone"));
        jobs.spawn(go(desk, {"one", 3}, "a"));
        jobs.spawn(go(desk, {"one", 3}, "b"));
        while (requests.empty())
            co_await sleep_for(1ms);
        cancelled.cancel_all();
        co_await cancelled.join(deadline_in(5s));
        hangs = false;
        co_await all_done();
        EXPECT_THAT(requests, ElementsAre(ElementsAre("gone", "a", "b")));
        EXPECT_THAT(together, UnorderedElementsAre("a", "b"));
    });
}

TEST_F(AlbumDeskTest, BreaksOffWhenNobodyIsLeft) {
    AlbumDesk desk{loop.get_executor(), options()};
    hangs = true;
    is_sent = true;
    run(desk, [&]() -> asio::awaitable<void> {
        jobs.spawn(go(desk, {"one", 2}, "a"));
        jobs.spawn(go(desk, {"one", 2}, "b"));
        while (requests.empty())
            co_await sleep_for(1ms);
        jobs.cancel_all();
        co_await all_done();
        while (is_sent)
            co_await sleep_for(1ms);
    });
}

TEST_F(AlbumDeskTest, KnowsNothingOfWhatWasOnItsWayWhenItIsClosed) {
    AlbumDesk desk{loop.get_executor(), options()};
    hangs = true;
    run(desk, [&]() -> asio::awaitable<void> {
        jobs.spawn(go(desk, {"one", 2}, "a"));
        jobs.spawn(go(desk, {"one", 2}, "b"));
        while (requests.empty())
            co_await sleep_for(1ms);
        EXPECT_TRUE(co_await desk.close(deadline_in(5s)));
        co_await all_done();
        EXPECT_THAT(failed,
                    ElementsAre(FailureKind::outcome_unknown, FailureKind::outcome_unknown));
    });
}

TEST_F(AlbumDeskTest, TakesSmallPhotosForAnyChat) {
    AlbumDesk desk{loop.get_executor(), options()};
    auto upload = upload_of("a");
    EXPECT_TRUE(desk.takes(upload));
    upload.bytes = 256 * 1024;
    EXPECT_TRUE(desk.takes(upload));
    upload.bytes = 256 * 1024 + 1;
    EXPECT_FALSE(desk.takes(upload));
    upload.bytes = 0;
    EXPECT_FALSE(desk.takes(upload));
    upload = upload_of("a");
    upload.warmup_chat_id = -5;
    EXPECT_FALSE(desk.takes(upload));
    upload = upload_of("a");
    upload.media.kind = MediaKind::document;
    EXPECT_FALSE(desk.takes(upload));
}

TEST_F(AlbumDeskTest, RemembersTheLastThatNoAlbumTakes) {
    AlbumDesk desk{loop.get_executor(), options()};
    failure = Failure{FailureKind::way_closed, "one of them"};
    run(desk, [&]() -> asio::awaitable<void> {
        for (const auto* name : {"a", "b", "c"})
            jobs.spawn(go(desk, {"one", 3}, name));
        co_await all_done();
        EXPECT_THAT(failed, SizeIs(3));
        EXPECT_TRUE(desk.takes(upload_of("a"))) << "two are remembered here";
        EXPECT_FALSE(desk.takes(upload_of("b")));
        EXPECT_FALSE(desk.takes(upload_of("c")));
    });
}

TEST_F(AlbumDeskTest, HoldsNothingAgainstThemWhenTelegramIsAway) {
    AlbumDesk desk{loop.get_executor(), options()};
    failure = Failure{FailureKind::unavailable, "502"};
    run(desk, [&]() -> asio::awaitable<void> {
        jobs.spawn(go(desk, {"one", 2}, "a"));
        jobs.spawn(go(desk, {"one", 2}, "b"));
        co_await all_done();
        EXPECT_TRUE(desk.takes(upload_of("a")));
    });
}

}  // namespace
}  // namespace prewarm
