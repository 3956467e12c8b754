#include "producer/announcement_line.hpp"

#include <gtest/gtest.h>

#include "common/events/announcement.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point now{1'700'000'000s};

ReadyMedia ready() {
    ReadyMedia media;
    media.media = {.bot_slug = "shop", .sha256 = sha256_of("x"), .kind = MediaKind::video};
    media.actual_kind = MediaKind::video;
    media.file_id = "BAAC";
    media.version = 3;
    return media;
}

TEST(AnnouncementLine, OfReadyMediaHoldsTheFileId) {
    EXPECT_EQ(announcement_line(events::ready_type, events::encode_ready(ready(), false, "e", now)),
              "2023-11-14T22:13:20Z  ready   shop  video  " + sha256_of("x").hex() +
                  "  file_id=BAAC  version=3");
}

TEST(AnnouncementLine, SaysWhatIsUnusual) {
    auto media = ready();
    media.actual_kind = MediaKind::animation;
    EXPECT_EQ(announcement_line(events::ready_type, events::encode_ready(media, true, "e", now)),
              "2023-11-14T22:13:20Z  ready   shop  video  " + sha256_of("x").hex() +
                  "  file_id=BAAC  version=3  actual_kind=animation  already_warm");
}

TEST(AnnouncementLine, OfFailedMediaHoldsTheReason) {
    events::FailedMedia failed;
    failed.reason = FailureReason::undecodable;
    failed.detail = "the body\x1b is empty";
    EXPECT_EQ(announcement_line(events::failed_type, events::encode_failed(failed, "e", now)),
              "2023-11-14T22:13:20Z  failed  ?  ?  ?  UNDECODABLE  the body\\x1b is empty");
}

TEST(AnnouncementLine, IsNotMadeOfAnythingElse) {
    EXPECT_EQ(announcement_line("prewarm.v1.MediaUploaded", ""), std::nullopt);
    EXPECT_EQ(announcement_line(events::ready_type, "\xff\xff"), std::nullopt);
}

}  // namespace
}  // namespace prewarm::producer
