#include <gmock/gmock.h>

#include "tests/integration/media_store/media_store_test.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class OutboxTest : public test::MediaStoreTest {
protected:
    MediaStatus register_upload(Upload of) {
        return run(store.register_upload(std::move(of), "the event")).value();
    }

    std::string stored(const std::string& expression) const {
        return database.run("SELECT " + expression + " FROM media_store")[0][0].as<std::string>(
            "null");
    }
};

constexpr auto is_due = "status || ' ' || (next_retry_at <= now())";

TEST_F(OutboxTest, LeavesThePublishingToTheServiceUntilToldOtherwise) {
    EXPECT_EQ(register_upload(upload("one")), MediaStatus::warming);
    EXPECT_EQ(column(is_due), "warming true");
    EXPECT_EQ(column("convert_from(event, 'UTF8') || ' ' || upload_event_ids[1]"), "the event one");
    ASSERT_TRUE(run(store.mark_published(upload().media, "one")));
    EXPECT_EQ(column("next_retry_at"), "null");
}

TEST_F(OutboxTest, StoresTheObjectWithItsAttributes) {
    auto video = upload();
    video.r2_bucket = "bucket";
    video.bytes = 4096;
    video.mime_type = "video/mp4";
    video.file_name = "clip.mp4";
    video.attributes = {1920, 1080, 2500ms, "A \"title\"", "", true, "thumbs/1.jpg"};
    register_upload(video);
    EXPECT_EQ(
        stored(
            "r2_bucket || ' ' || r2_key || ' ' || bytes || ' ' || mime_type || ' ' || file_name"),
        "bucket a/photo.jpg 4096 video/mp4 clip.mp4");
    EXPECT_EQ(stored("attributes"),
              R"({"title": "A \"title\"", "width": 1920, "height": 1080, "duration_ms": 2500, )"
              R"("thumbnail_r2_key": "thumbs/1.jpg", "supports_streaming": true})");

    auto moved = upload();
    moved.r2_key = "b/clip.mp4";
    register_upload(moved);
    EXPECT_EQ(stored("r2_key || ' ' || attributes"), "b/clip.mp4 {}");
}

TEST_F(OutboxTest, IsClaimedLikeAnyOther) {
    register_upload(upload("one"));
    const auto lease = take(upload("one"));
    EXPECT_EQ(lease.attempt, 1U);
    EXPECT_EQ(column("next_retry_at"), "null");
    EXPECT_THAT(commit(lease).upload_event_ids, ElementsAre("one"));
}

TEST_F(OutboxTest, DoesNotTakeParkedForPublished) {
    register_upload(upload("one"));
    ASSERT_TRUE(run(store.release(take(upload("one")))));
    // Parked by the service, and due again before the uploader gets to its last step.
    database.run(
        "UPDATE media_cache SET updated_at = now() - interval '2 s', "
        "next_retry_at = now() - interval '1 s'");
    ASSERT_TRUE(run(store.mark_published(upload().media, "one")));
    EXPECT_EQ(column(is_due), "warming true");
}

TEST_F(OutboxTest, DoesNotTakeSomebodyElsesEventForPublished) {
    register_upload(upload("one"));
    ASSERT_TRUE(run(store.mark_published(upload().media, "another")));
    EXPECT_EQ(column(is_due), "warming true");
}

TEST_F(OutboxTest, StartsAFailedMediaAgain) {
    ASSERT_TRUE(run(store.record_dead(take(upload("one")), "object missing")));
    EXPECT_EQ(register_upload(upload("two")), MediaStatus::warming);
    EXPECT_EQ(column(is_due), "warming true");
    EXPECT_EQ(
        column("retry_count || ' ' || starts || ' ' || array_to_string(upload_event_ids, ',')"),
        "0 0 one,two");
}

TEST_F(OutboxTest, OnlyAddsToWhatIsAtWork) {
    const auto lease = take(upload("one"));
    EXPECT_EQ(register_upload(upload("two")), MediaStatus::warming);
    EXPECT_EQ(column("lease_token || ' ' || starts || ' ' || (next_retry_at IS NULL)"),
              std::to_string(lease.token) + " 1 true");
    EXPECT_THAT(commit(lease).upload_event_ids, ElementsAre("one", "two"));
}

TEST_F(OutboxTest, OnlyAddsToWhatIsReady) {
    commit(take(upload("one")));
    auto second = upload("two");
    second.cache_keys = {"key"};
    EXPECT_EQ(register_upload(second), MediaStatus::ready);
    EXPECT_EQ(column("status || ' ' || file_id || ' ' || (next_retry_at IS NULL) || ' ' || "
                     "array_to_string(upload_event_ids || cache_keys, ',')"),
              "ready file-1 true one,two,key");
}

}  // namespace
}  // namespace prewarm
