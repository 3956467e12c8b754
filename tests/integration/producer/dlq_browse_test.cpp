#include "tests/integration/producer/dlq_fixture.hpp"

namespace prewarm::producer {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using DlqBrowse = DlqTest;

TEST_F(DlqBrowse, GroupsLettersByTheirCause) {
    put({letter(1), letter(2), letter(3, "TOO_LARGE"), letter(4)});
    amqp::Message foreign;
    foreign.body = "who wrote this?";
    put({foreign});
    const auto ended = dlq({"groups", "--json"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(field(ended, "reason"), ElementsAre("OBJECT_MISSING", "TOO_LARGE", "UNKNOWN"));
    const auto largest = objects(ended.out).at(0);
    EXPECT_EQ(largest.at("messages").as_int64(), 3);
    EXPECT_EQ(largest.at("cause").as_string(), "transfer: GET <key>: HTTP 404");
    EXPECT_EQ(largest.at("media_bytes").as_int64(), 3000);
    EXPECT_EQ(largest.at("oldest").as_string(), "2026-11-21T10:50:12Z");
    EXPECT_EQ(largest.at("example_bot").as_string(), bot);

    EXPECT_THAT(dlq({"groups"}).out, AllOf(HasSubstr("MESSAGES  REASON"), HasSubstr(bot)));
}

TEST_F(DlqBrowse, LeavesTheLettersInTheirOrder) {
    constexpr int count = 4500;  // More than are handed to one channel.
    put_letters(count);
    for (int time = 0; time < 3; ++time)
        EXPECT_THAT(listed(), ElementsAreArray(event_ids(count)));
    EXPECT_EQ(messages_in(names.dead_letter_queue), static_cast<std::uint32_t>(count));
}

TEST_F(DlqBrowse, LooksNoFurtherThanItsLimit) {
    put_letters(10);
    const auto ended = dlq({"list", "--limit", "3"});
    EXPECT_THAT(ended.err, HasSubstr("--limit 3 ended it after 3 of 10 messages"));
    EXPECT_EQ(std::ranges::count(ended.out, '\n'), 4);
    std::uint64_t looked_at = 0;
    for (const auto& object : objects(dlq({"list", "--json"}).out))
        looked_at += object.at("handed_out").as_int64() > 0 ? 1 : 0;
    EXPECT_EQ(looked_at, 3U);
}

TEST_F(DlqBrowse, Filters) {
    auto old = letter(3);
    old.headers.set("x-prewarm-failed-at", "2020-01-01T00:00:00Z");
    auto young = letter(4);
    // Later than any test: a letter that died just now.
    young.headers.set("x-prewarm-failed-at", "2100-01-01T00:00:00Z");
    put({letter(1), letter(2, "TOO_LARGE"), old, young});
    EXPECT_THAT(listed({"--reason", "too_large"}), ElementsAre("event-2"));
    EXPECT_THAT(listed({"--reason", "TOO_LARGE", "--reason", "UNKNOWN_BOT"}),
                ElementsAre("event-2"));
    EXPECT_THAT(listed({"--bot", "another"}), IsEmpty());
    EXPECT_EQ(listed({"--bot", bot}).size(), 4U);
    EXPECT_THAT(listed({"--since", "1h"}), ElementsAre("event-4"));
    EXPECT_EQ(listed({"--since", "2020-01-01T00:00:01Z"}).size(), 3U);
    EXPECT_THAT(listed({"--id", "event-3"}), ElementsAre("event-3"));
    EXPECT_THAT(dlq({"list", "--reason", "CRASH_LOOP"}).err,
                HasSubstr("none of 4 messages in " + names.dead_letter_queue +
                          " matches; they are OBJECT_MISSING (3), TOO_LARGE (1)"));
}

TEST_F(DlqBrowse, ShowsALetterByEachOfItsNames) {
    put({letter(1), letter(2)});
    const auto id = field(dlq({"list", "--json"}), "id").at(1);
    for (const auto& name : {id, id.substr(0, 8), std::string{"event-2"}}) {
        const auto ended = dlq({"show", name, "--json"});
        EXPECT_EQ(ended.status, 0) << ended.err;
        const auto shown = objects(ended.out);
        ASSERT_EQ(shown.size(), 1U);
        EXPECT_EQ(shown[0].at("event").at("r2Key").as_string(), "photos/2.jpg");
        EXPECT_EQ(shown[0].at("headers").at("x-prewarm-reason").as_string(), "OBJECT_MISSING");
    }
    const auto ended = dlq({"show", "no-such"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, HasSubstr("none of 2 messages"));
}

TEST_F(DlqBrowse, ShowsABodyThatIsNotOurs) {
    amqp::Message text;
    text.body = "{\"not\": \"ours\"}\nbut text";
    amqp::Message bytes;
    bytes.body = std::string{"\x00\x1b[31m\xff", 7};
    put({text, bytes});
    const auto ended = dlq({"show", "--limit", "2"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.out, AllOf(HasSubstr("  {\"not\": \"ours\"}\n  but text\n"),
                                 HasSubstr("00 1b 5b 33 31 6d ff"), Not(HasSubstr("\x1b"))));
}

TEST_F(DlqBrowse, ShowsCopiesOfOneLetterAll) {
    put({letter(1), letter(1), letter(1)});
    EXPECT_EQ(objects(dlq({"show", "event-1", "--json"}).out).size(), 3U);
}

TEST_F(DlqBrowse, TellsWhatRabbitMqDeadLetteredItself) {
    auto died_before = letter(1);
    died_before.headers.set("x-prewarm-failed-at", "2020-01-01T00:00:00.000Z");
    must(channel->publish(names.upload_exchange, names.upload_key, died_before, true));
    wait_for_messages_in(names.upload_queue, 1);
    const auto taken = must(run_coroutine(channel->get(names.upload_queue, soon())));
    channel->reject(taken->tag.number, amqp::Requeue::no);
    wait_for_messages_in(names.dead_letter_queue, 1);
    // The newest death counts, though the message brought the headers of an older one.
    const auto ended = dlq({"list", "--json", "--reason", "rejected", "--since", "1h"});
    EXPECT_THAT(field(ended, "event_id"), ElementsAre("event-1"));
}

TEST_F(DlqBrowse, WarnsWhenLookingWearsTheLettersOut) {
    put({letter(1)});
    std::string told;
    for (int time = 0; time < 13; ++time)
        told = dlq({"list"}).err;
    EXPECT_THAT(told, HasSubstr("handed out up to 12 times before"));
}

TEST_F(DlqBrowse, SaysThatThereIsNothing) {
    for (const std::string command : {"groups", "list"}) {
        const auto ended = dlq({command});
        EXPECT_EQ(ended.status, 0);
        EXPECT_EQ(ended.out, "");
        EXPECT_THAT(ended.err, HasSubstr("there are no messages in " + names.dead_letter_queue));
    }
}

TEST_F(DlqBrowse, SaysThatTheQueueIsMissing) {
    must(run_coroutine(channel->delete_queue(names.dead_letter_queue, soon())));
    const auto ended = dlq({"list"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("404"), HasSubstr("`prewarmctl topology` makes it")));
}

TEST_F(DlqBrowse, SaysThatRabbitMqIsAway) {
    variables["RABBITMQ_URL"] = "amqp://127.0.0.1:1";
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"list"}, {"replay"}, {"drop", "--all", "--yes"}}) {
        const auto ended = dlq(command);
        EXPECT_EQ(ended.status, 1);
        EXPECT_THAT(ended.err,
                    AllOf(HasSubstr("Connection refused"), HasSubstr("see RABBITMQ_URL")));
    }
}

}  // namespace
}  // namespace prewarm::producer
