#include <algorithm>
#include <csignal>
#include <set>

#include "common/events/announcement.hpp"
#include "tests/integration/producer/dlq_fixture.hpp"

namespace prewarm::producer {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

class DlqReplay : public DlqTest {
protected:
    /// The next message for the service, which is not acknowledged yet.
    amqp::Delivery taken_by_service() {
        for (;;) {
            auto delivery = must(run_coroutine(channel->get(names.upload_queue, soon())));
            if (delivery) return std::move(*delivery);
            must(run_coroutine(pause()));
        }
    }

    void announce_ready(const Upload& upload) {
        ReadyMedia ready;
        ready.media = upload.media;
        ready.actual_kind = MediaKind::photo;
        ready.file_id = "file-of-" + upload.event_id;
        ready.upload_event_ids = {upload.event_id};
        announce(topology::ready_key(bot, MediaKind::photo), events::ready_type,
                 events::encode_ready(ready, false, "e", std::chrono::system_clock::now()));
    }

    void announce_failed(const Upload& upload) {
        announce(topology::failed_key(bot, MediaKind::photo), events::failed_type,
                 events::encode_failed(
                     events::failed_media(upload, FailureReason::too_large, "60 MB", 1), "e",
                     std::chrono::system_clock::now()));
    }

    void announce(const std::string& key, std::string_view type, std::string body) {
        amqp::Message message{.body = std::move(body), .type = std::string{type}};
        must(channel->publish(names.media_exchange, key, message, false));
        // An answer: what was queued before it has been sent.
        messages_in(names.upload_queue);
    }

    /// What is queued, without what the queue adds when it hands it out.
    std::vector<amqp::Message> replayed() {
        auto messages = queued();
        for (auto& message : messages) {
            std::erase_if(message.headers.fields, [](const amqp::Field& field) {
                return field.name == "x-delivery-count";
            });
        }
        return messages;
    }

    static Upload decoded(const amqp::Message& message) {
        return events::decode_upload(message.body, message.content_type).value();
    }
};

TEST_F(DlqReplay, SendsTheMessageAsItFirstCame) {
    const auto original = letter(1);
    put({original});
    const auto ended = dlq({"replay"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(ended.out, "1 of 1 message replayed\n");

    auto expected = original;
    expected.headers = {};
    expected.headers.set("traceparent", "00-1");
    expected.headers.set("x-prewarm-first-seen", "2026-11-20T00:00:00.000Z");
    expected.headers.set("x-prewarm-replays", std::int64_t{1});
    EXPECT_THAT(replayed(), ElementsAre(expected));
    EXPECT_EQ(messages_in(names.dead_letter_queue), 0U);
}

TEST_F(DlqReplay, SendsForeignBodiesUntouched) {
    amqp::Message foreign;
    foreign.body = std::string{"\x00\xff nobody's", 12};
    foreign.content_type = "application/octet-stream";
    put({foreign, foreign});
    EXPECT_EQ(dlq({"replay"}).out, "2 of 2 messages replayed\n");
    foreign.headers.set("x-prewarm-replays", std::int64_t{1});
    EXPECT_THAT(replayed(), ElementsAre(foreign, foreign));
}

TEST_F(DlqReplay, SendsWhatMatchesAndLeavesTheRestInOrder) {
    put({letter(1), letter(2, "TOO_LARGE"), letter(3), letter(4, "TOO_LARGE"), letter(5)});
    const auto ended = dlq({"replay", "--reason", "TOO_LARGE", "--json"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(field(ended, "event_id"), UnorderedElementsAre("event-2", "event-4"));
    EXPECT_THAT(queued_ids(), UnorderedElementsAre("event-2", "event-4"));
    EXPECT_THAT(listed(), ElementsAre("event-1", "event-3", "event-5"));
}

TEST_F(DlqReplay, FindsAFewBehindMany) {
    std::vector<amqp::Message> letters;
    for (int number = 0; number < 3000; ++number)
        letters.push_back(letter(number, number >= 2990 ? "TOO_LARGE" : "OBJECT_MISSING"));
    put(letters);
    const auto ended = dlq({"replay", "--reason", "TOO_LARGE", "--limit", "7"});
    EXPECT_EQ(ended.out, "7 of 7 messages replayed\n") << ended.err;
    EXPECT_EQ(queued().size(), 7U);
    EXPECT_EQ(messages_in(names.dead_letter_queue), 2993U);
    // Behind many that are not meant.
    EXPECT_EQ(dlq({"replay", "--id", "event-1000"}).out, "1 of 1 message replayed\n");
    EXPECT_THAT(queued_ids(), ElementsAre("event-1000"));
}

TEST_F(DlqReplay, TellsWhatItWouldDoAndDoesNothing) {
    put({letter(1), letter(2), letter(3), letter(4, "TOO_LARGE")});
    const auto ended = dlq({"replay", "--dry-run", "--rate", "2"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.out, AllOf(HasSubstr("OBJECT_MISSING         3"),
                                 HasSubstr("media of 4.0 kB) would be replayed in 2 s")));
    const auto plan = objects(dlq({"replay", "--dry-run", "--rate", "2", "--json"}).out).at(0);
    EXPECT_EQ(plan.at("messages").as_int64(), 4);
    EXPECT_EQ(plan.at("media_bytes").as_int64(), 4000);
    EXPECT_EQ(plan.at("seconds").as_double(), 1.5);
    EXPECT_EQ(plan.at("by_reason").as_array().size(), 2U);
    EXPECT_THAT(queued(), IsEmpty());
    EXPECT_THAT(listed(), ElementsAre("event-1", "event-2", "event-3", "event-4"));
}

TEST_F(DlqReplay, GoesOnAfterAnInterruptWithoutDoingAnythingTwice) {
    constexpr int count = 300;
    put_letters(count);
    const auto replaying = start_dlq({"replay", "--rate", "100"});
    replaying->wait_for_error("replaying 300 messages");
    wait_for_messages_in(names.upload_queue, 5);
    replaying->send_signal(SIGINT);
    const auto ended = replaying->wait();
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, HasSubstr("interrupted; run it again to go on"));

    auto ids = queued_ids();
    EXPECT_THAT(ended.out, HasSubstr(fmt::format("{} of 300 messages replayed", ids.size())));
    EXPECT_LT(ids.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(messages_in(names.dead_letter_queue), count - ids.size());
    EXPECT_EQ(dlq({"replay"}).status, 0);
    std::ranges::copy(queued_ids(), std::back_inserter(ids));
    EXPECT_THAT(ids, UnorderedElementsAreArray(event_ids(count)));
    EXPECT_EQ(messages_in(names.dead_letter_queue), 0U);
}

TEST_F(DlqReplay, LosesNothingWhenItIsKilled) {
    constexpr int count = 300;
    put_letters(count);
    const auto replaying = start_dlq({"replay", "--rate", "200"});
    wait_for_messages_in(names.upload_queue, 5);
    replaying->send_signal(SIGKILL);
    EXPECT_EQ(replaying->wait().status, 128 + SIGKILL);
    const auto first = queued_ids();
    EXPECT_EQ(dlq({"replay"}).status, 0);
    auto all = queued_ids();
    all.insert(all.end(), first.begin(), first.end());
    const std::set<std::string> different{all.begin(), all.end()};
    EXPECT_EQ(different.size(), static_cast<std::size_t>(count));
}

TEST_F(DlqReplay, LeavesWhatDiesAgainMeanwhile) {
    put_letters(20);
    const auto replaying = start_dlq({"replay", "--rate", "50"});
    for (int number = 0; number < 20; ++number)
        channel->reject(taken_by_service().tag.number, amqp::Requeue::no);
    const auto ended = replaying->wait();
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(ended.out, "20 of 20 messages replayed\n");
    EXPECT_THAT(queued(), IsEmpty());
    wait_for_messages_in(names.dead_letter_queue, 20);
    for (const auto& again : objects(dlq({"list", "--json"}).out)) {
        EXPECT_EQ(again.at("reason").as_string(), "rejected");
        EXPECT_EQ(again.at("replays").as_int64(), 1);
    }
}

TEST_F(DlqReplay, LeavesWhatNoQueueTakes) {
    put_letters(3);
    must(run_coroutine(channel->delete_queue(names.upload_queue, soon())));
    const auto ended = dlq({"replay"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.out, HasSubstr("0 of 3 messages replayed; what was not stays in"));
    EXPECT_THAT(ended.err, HasSubstr("no queue is bound"));
    EXPECT_EQ(messages_in(names.dead_letter_queue), 3U);
}

TEST_F(DlqReplay, IsDoneWhenThereIsNothing) {
    const auto ended = dlq({"replay"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(ended.out, "0 messages replayed\n");
}

TEST_F(DlqReplay, ShowsWhatBecomesOfEachMessage) {
    put_letters(3);
    const auto replaying = start_dlq({"replay", "--wait"});
    for (int number = 0; number < 3; ++number) {
        const auto delivery = taken_by_service();
        const auto event = decoded(delivery.message);
        if (event.event_id == "event-1") {
            announce_failed(event);
        } else {
            announce_ready(event);
        }
        channel->ack(delivery.tag.number);
    }
    const auto ended = replaying->wait();
    EXPECT_EQ(ended.status, 1) << "one failed again";
    EXPECT_THAT(ended.out,
                AllOf(HasSubstr("file_id=file-of-event-0"), HasSubstr("TOO_LARGE  60 MB"),
                      HasSubstr("file_id=file-of-event-2"),
                      HasSubstr("2 ready, 1 failed again, 0 without an answer")));
}

TEST_F(DlqReplay, EndsWellWhenAllGetReady) {
    put_letters(2);
    const auto replaying = start_dlq({"replay", "--wait", "--json"});
    for (int number = 0; number < 2; ++number) {
        const auto delivery = taken_by_service();
        announce_ready(decoded(delivery.message));
        channel->ack(delivery.tag.number);
    }
    const auto ended = replaying->wait();
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(field(ended, "result"),
                UnorderedElementsAre("replayed", "replayed", "ready", "ready"));
}

TEST_F(DlqReplay, WaitsNoLongerThanItIsTold) {
    put_letters(1);
    const auto ended = dlq({"replay", "--wait", "--timeout", "0"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.out, HasSubstr("0 ready, 0 failed again, 1 without an answer"));
}

}  // namespace
}  // namespace prewarm::producer
