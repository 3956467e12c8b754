#include "producer/dead_letters/replay_outcomes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/events/announcement.hpp"

namespace prewarm::producer {
namespace {

using testing::HasSubstr;

std::string ready(std::vector<std::string> upload_event_ids) {
    ReadyMedia media;
    media.media = {.bot_slug = "shop", .sha256 = sha256_of("x"), .kind = MediaKind::photo};
    media.file_id = "file-1";
    media.upload_event_ids = std::move(upload_event_ids);
    return events::encode_ready(media, false, "e", {});
}

std::string failed(const std::string& upload_event_id) {
    return events::encode_failed(
        {.reason = FailureReason::too_large, .detail = "60 MB", .upload_event_id = upload_event_id},
        "e", {});
}

TEST(ReplayOutcomes, PairReadyMediaWithAllTheEventsItAnswers) {
    ReplayOutcomes outcomes;
    outcomes.expect("letter-1", "event-1");
    outcomes.expect("letter-2", "event-2");
    outcomes.expect("letter-3", "event-3");
    const auto told = outcomes.take(events::ready_type, ready({"event-2", "another", "event-1"}));
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(told[0].letter_id, "letter-2");
    EXPECT_EQ(told[1].event_id, "event-1");
    EXPECT_TRUE(told[0].ready);
    EXPECT_THAT(told[0].line, HasSubstr("file_id=file-1"));
    EXPECT_THAT(told[0].json, HasSubstr("\"fileId\":\"file-1\""));
    EXPECT_EQ(outcomes.ready(), 2U);
    EXPECT_EQ(outcomes.missing(), 1U);
}

TEST(ReplayOutcomes, TellThatOneFailedAgain) {
    ReplayOutcomes outcomes;
    outcomes.expect("letter-1", "event-1");
    const auto told = outcomes.take(events::failed_type, failed("event-1"));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_FALSE(told[0].ready);
    EXPECT_THAT(told[0].line, HasSubstr("TOO_LARGE  60 MB"));
    EXPECT_EQ(outcomes.failed(), 1U);
    EXPECT_EQ(outcomes.missing(), 0U);
}

TEST(ReplayOutcomes, TellOnlyTheFirstOfEach) {
    ReplayOutcomes outcomes;
    outcomes.expect("letter-1", "event-1");
    outcomes.expect("letter-2", "event-1");
    EXPECT_EQ(outcomes.take(events::ready_type, ready({"event-1"})).size(), 2U);
    EXPECT_TRUE(outcomes.take(events::ready_type, ready({"event-1"})).empty());
}

TEST(ReplayOutcomes, WaitForNobodyWithoutAnEventId) {
    ReplayOutcomes outcomes;
    outcomes.expect("letter-1", "");
    EXPECT_EQ(outcomes.missing(), 0U);
    EXPECT_TRUE(outcomes.take(events::failed_type, failed("")).empty());
}

TEST(ReplayOutcomes, ForgetWhatWasNotPublished) {
    ReplayOutcomes outcomes;
    outcomes.expect("letter-1", "event-1");
    outcomes.expect("letter-2", "event-1");
    outcomes.forget("letter-1", "event-1");
    outcomes.forget("letter-1", "event-1");
    const auto told = outcomes.take(events::ready_type, ready({"event-1"}));
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].letter_id, "letter-2");
}

TEST(ReplayOutcomes, PassOverWhatTheyCannotRead) {
    ReplayOutcomes outcomes;
    outcomes.expect("letter-1", "event-1");
    EXPECT_TRUE(outcomes.take(events::ready_type, "\xff\xff").empty());
    EXPECT_TRUE(outcomes.take("another.Type", ready({"event-1"})).empty());
    EXPECT_EQ(outcomes.missing(), 1U);
}

}  // namespace
}  // namespace prewarm::producer
