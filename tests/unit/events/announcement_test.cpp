#include "common/events/announcement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::events {
namespace {

using ::testing::HasSubstr;

TEST(Announcement, OfAReadyMediaSaysWhatSendersNeed) {
    ReadyMedia ready;
    ready.media = {.bot_slug = "shop", .sha256 = sha256_of("x"), .kind = MediaKind::document};
    ready.actual_kind = MediaKind::animation;
    ready.file_id = "file";
    ready.version = 3;
    ready.upload_event_ids = {"one", "two"};
    const auto json = announcement_as_json(ready_type, encode_ready(ready, true, "id", {}));
    EXPECT_THAT(json, HasSubstr(R"("kind":"DOCUMENT","actualKind":"ANIMATION","fileId":"file")"));
    EXPECT_THAT(json, HasSubstr(R"("version":"3")"));
    EXPECT_THAT(json, HasSubstr(R"("uploadEventIds":["one","two"],"alreadyWarm":true)"));
}

TEST(Announcement, OfAnUnreadableEventHoldsOnlyWhatIsSound) {
    const BadEvent event{.reason = FailureReason::invalid_event,
                         .detail = "wrong",
                         .event_id = "\xff",
                         .bot_slug = "No Slug",
                         .sha256_bytes = "short",
                         .kind_number = 77};
    const auto json =
        announcement_as_json(failed_type, encode_failed(failed_media(event), "id", {}));
    EXPECT_EQ(json, R"({"eventId":"id","occurredAt":"1970-01-01T00:00:00Z",)"
                    R"("reason":"INVALID_EVENT","detail":"wrong"})");
}

TEST(Announcement, OfAnotherTypeIsNotGuessed) {
    EXPECT_EQ(announcement_as_json("prewarm.v1.Other", "x"), "");
}

}  // namespace
}  // namespace prewarm::events
