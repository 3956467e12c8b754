#include <gmock/gmock.h>

#include "tests/integration/media_store/media_store_test.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ReadersTest : public test::MediaStoreTest {
protected:
    std::optional<MediaRow> find() { return run(store.find(upload().media)).value(); }
};

TEST_F(ReadersTest, FindNothingOfAMediaThatNobodyKnows) {
    EXPECT_FALSE(find());
}

TEST_F(ReadersTest, FindWhatIsReady) {
    auto wanted = upload();
    wanted.cache_keys = {"key"};
    commit(take(wanted));
    const auto found = find();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->status, MediaStatus::ready);
    ASSERT_TRUE(found->ready);
    EXPECT_EQ(found->ready->media, upload().media);
    EXPECT_EQ(found->ready->file_id, "file-1");
    EXPECT_EQ(found->ready->version, 1U);
    EXPECT_THAT(found->ready->cache_keys, IsEmpty());
    EXPECT_FALSE(found->next_retry_at);
}

TEST_F(ReadersTest, FindWhatIsParkedAndWhy) {
    ASSERT_TRUE(run(store.park(take(upload()), 1h, "no luck", ParkedAfter::failed_attempt)));
    database.run("UPDATE media_cache SET next_retry_at = '2030-01-02 03:04:05.678+00'");
    const auto found = find();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->status, MediaStatus::warming);
    EXPECT_FALSE(found->ready);
    EXPECT_EQ(found->last_error, "no luck");
    EXPECT_EQ(found->retry_count, 1U);
    EXPECT_EQ(found->next_retry_at, std::chrono::sys_days{2030y / 1 / 2} + 3h + 4min + 5s + 678ms);
}

TEST_F(ReadersTest, FindWhatHasFailed) {
    ASSERT_TRUE(run(store.record_dead(take(upload()), "too large")));
    EXPECT_EQ(find()->status, MediaStatus::failed);
    EXPECT_EQ(find()->last_error, "too large");
}

TEST_F(ReadersTest, CountByKindAndStatus) {
    const auto other = [&](std::string content, MediaKind kind) {
        auto made = upload();
        made.media.sha256 = sha256_of(content);
        made.media.kind = kind;
        return made;
    };
    commit(take(other("1", MediaKind::photo)));
    commit(take(other("2", MediaKind::photo)));
    take(other("3", MediaKind::photo));
    ASSERT_TRUE(
        run(store.park(take(other("4", MediaKind::photo)), 1h, "", ParkedAfter::failed_attempt)));
    ASSERT_TRUE(run(store.register_upload(other("5", MediaKind::photo), "")));
    ASSERT_TRUE(run(store.record_dead(take(other("6", MediaKind::video_note)), "")));
    database.run(
        "UPDATE media_cache SET updated_at = now() - interval '1 h' "
        "WHERE retry_count = 1 AND kind = 'photo'");

    const auto counts = run(store.overview()).value();
    ASSERT_THAT(counts, SizeIs(3));
    EXPECT_EQ(counts[0].kind, MediaKind::photo);
    EXPECT_EQ(counts[0].status, MediaStatus::ready);
    EXPECT_EQ(counts[0].media, 2U);
    EXPECT_EQ(counts[1].status, MediaStatus::warming);
    EXPECT_EQ(counts[1].media, 3U);
    EXPECT_EQ(counts[1].at_work, 1U);
    EXPECT_EQ(counts[1].parked, 2U);
    EXPECT_EQ(counts[1].retried, 1U);
    EXPECT_EQ(counts[1].attempts_failed, 1U);
    EXPECT_GE(counts[1].oldest, 1h);
    EXPECT_EQ(counts[2].kind, MediaKind::video_note);
    EXPECT_EQ(counts[2].status, MediaStatus::failed);
}

TEST_F(ReadersTest, FindAMessageOfAnotherBotInAChatOfBoth) {
    const auto lease = take(upload());
    commit(lease);
    const auto ask = [&](std::vector<std::string> bots, std::vector<std::int64_t> chats) {
        return run(store.find_message(upload().media, std::move(bots), std::move(chats))).value();
    };
    const auto found = ask({"other", "bot"}, {-1, sent().chat_id});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->chat_id, sent().chat_id);
    EXPECT_EQ(found->message_id, sent().message_id);
    EXPECT_EQ(found->bytes, sent().bytes);
    EXPECT_FALSE(ask({"other"}, {sent().chat_id}));
    EXPECT_FALSE(ask({"bot"}, {-1}));
    EXPECT_FALSE(ask({}, {}));
    database.run("UPDATE media_cache SET weak = true");
    EXPECT_FALSE(ask({"bot"}, {sent().chat_id})) << "a weak one is worth no copy";
}

TEST_F(ReadersTest, SayWhatIsMissingInAnEmptyDatabase) {
    test::FreshDatabase empty;
    postgres::Pool unmigrated{{.url = empty.url()}};
    const auto missing = run(MediaStore{unmigrated}.find(upload().media));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, FailureKind::misconfigured);
}

}  // namespace
}  // namespace prewarm
