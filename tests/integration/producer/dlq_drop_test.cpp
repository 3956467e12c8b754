#include "tests/integration/producer/dlq_fixture.hpp"

namespace prewarm::producer {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

using DlqDrop = DlqTest;

TEST_F(DlqDrop, RemovesWhatMatchesAndNothingElse) {
    put({letter(1), letter(2, "TOO_LARGE"), letter(3), letter(4, "TOO_LARGE"), letter(5)});
    const auto ended = dlq({"drop", "--reason", "TOO_LARGE", "--yes", "--json"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(field(ended, "result"), ElementsAre("dropped", "dropped"));
    EXPECT_THAT(ended.err, HasSubstr("2 messages ("));
    EXPECT_THAT(listed(), ElementsAre("event-1", "event-3", "event-5"));
    EXPECT_THAT(queued_ids(), ElementsAre());
}

TEST_F(DlqDrop, OnlySaysWhatItWouldDrop) {
    put_letters(5);
    const auto ended = dlq({"drop", "--all", "--dry-run"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("would be dropped"));
    EXPECT_THAT(listed(), ElementsAreArray(event_ids(5)));
}

TEST_F(DlqDrop, RemovesThemAll) {
    constexpr int count = 4500;
    put_letters(count);
    const auto ended = dlq({"drop", "--all", "--yes"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("4500 messages ("));
    EXPECT_EQ(messages_in(names.dead_letter_queue), 0U);
    EXPECT_EQ(dlq({"drop", "--all", "--yes"}).status, 0);
}

TEST_F(DlqDrop, RemovesOneOfManyInTheMiddle) {
    put_letters(50);
    EXPECT_EQ(dlq({"drop", "--id", "event-25", "--yes"}).status, 0);
    auto left = event_ids(50);
    std::erase(left, "event-25");
    EXPECT_THAT(listed(), ElementsAreArray(left));
}

}  // namespace
}  // namespace prewarm::producer
