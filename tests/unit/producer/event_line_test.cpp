#include "producer/event_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/events/upload_event.hpp"

namespace prewarm::producer {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

// The base64 of 32 bytes `a`.
const std::string digest = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";
const std::chrono::system_clock::time_point now{1'700'000'000s};

std::string line_with(const std::string& more) {
    return R"({"bot_slug":"shop","sha256":")" + digest + R"(","kind":"PHOTO","r2_key":"a.jpg")" +
           more + "}";
}

TEST(EventLine, MayLeaveIdAndTimeOut) {
    const auto first = event_of_line(line_with(""), now);
    const auto second = event_of_line(line_with(""), now);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->occurred_at, now);
    EXPECT_EQ(first->event_id.size(), 36U);
    EXPECT_NE(first->event_id, second->event_id);
    EXPECT_EQ(first->media.sha256, sha256_from_bytes(std::string(32, 'a')));
}

TEST(EventLine, KeepsIdAndTimeThatItHas) {
    const auto event =
        event_of_line(line_with(R"(,"eventId":"e1","occurredAt":"2023-01-02T03:04:05Z")"), now);
    ASSERT_TRUE(event) << event.error().detail;
    EXPECT_EQ(event->event_id, "e1");
    EXPECT_EQ(event->occurred_at, std::chrono::system_clock::time_point{1'672'628'645s});
}

TEST(EventLine, TakesWhatTheServiceWrites) {
    const auto event = event_of_line(line_with(""), now);
    ASSERT_TRUE(event);
    const auto again = event_of_line(events::upload_as_json(*event), now + 1h);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->event_id, event->event_id);
    EXPECT_EQ(again->occurred_at, now);
    EXPECT_EQ(again->media, event->media);
}

std::string refusal(const std::string& line) {
    const auto event = event_of_line(line, now);
    EXPECT_FALSE(event) << line;
    return event ? "" : event.error().detail;
}

TEST(EventLine, SaysWhatIsWrong) {
    EXPECT_THAT(refusal("{bad"), HasSubstr("not the JSON of a MediaUploaded"));
    EXPECT_THAT(refusal(line_with(R"(,"r2_kye":"b")")), HasSubstr("r2_kye"));
    EXPECT_THAT(refusal(line_with(R"(,"r2_bucket":7)")), HasSubstr("r2_bucket"));
    EXPECT_THAT(refusal("{}"), HasSubstr("bot_slug"));
    EXPECT_THAT(refusal(R"({"bot_slug":"shop","sha256":"YWFh","kind":"PHOTO","r2_key":"a"})"),
                HasSubstr("sha256 is 3 bytes long"));
}

TEST(EventLine, SaysItOnOneLine) {
    EXPECT_THAT(refusal("{\"bot_slug\" 5}"), testing::Not(HasSubstr("\\x0a")));
}

TEST(Checked, RefusesWhatTheServiceWouldRefuse) {
    auto upload = *event_of_line(line_with(""), now);
    EXPECT_TRUE(checked(upload));
    upload.r2_key = "a/../b";
    const auto wrong = checked(upload);
    ASSERT_FALSE(wrong);
    EXPECT_THAT(wrong.error().detail, HasSubstr("`..`"));
}

}  // namespace
}  // namespace prewarm::producer
