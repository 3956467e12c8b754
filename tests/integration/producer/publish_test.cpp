#include <fmt/format.h>

#include "common/events/upload_event.hpp"
#include "tests/integration/producer/prewarmctl_fixture.hpp"

namespace prewarm::producer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PublishTest : public PrewarmctlTest {
protected:
    PublishTest() { make_topology(); }

    /// A line for a media of its own.
    std::string line(int number) const {
        Upload upload;
        upload.event_id = fmt::format("event-{}", number);
        upload.occurred_at = std::chrono::system_clock::now();
        upload.media = {
            .bot_slug = bot, .sha256 = sha256_of(upload.event_id), .kind = MediaKind::photo};
        upload.r2_key = "a.jpg";
        return events::upload_as_json(upload) + "\n";
    }

    std::vector<std::string> described(std::vector<std::string> more) const {
        more.insert(more.begin(),
                    {"publish", "--json", "--bot", bot, "--kind", "video", "--r2-key"});
        return more;
    }

    Upload only_event() {
        const auto messages = queued();
        EXPECT_EQ(messages.size(), 1U);
        auto upload = events::decode_upload(messages.at(0).body, messages.at(0).content_type);
        EXPECT_TRUE(upload);
        return upload.value_or(Upload{});
    }
};

TEST_F(PublishTest, SendsTheGoodLinesAndNamesTheBadOnes) {
    const auto input = line(1) + "{\"bot_slug\": }\n\n" + line(4) + "{\"botSlug\":\"x\"}\n" +
                       R"({"bot_slug":")" + bot +
                       R"(","sha256":"YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=",)" +
                       R"("kind":"PHOTO","r2_key":"b.jpg"})";
    const auto ended = run({"publish", "--from", "-"}, input);
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.out, "3 events published, 2 lines are wrong\n");
    EXPECT_THAT(ended.err, AllOf(HasSubstr("line 2: not the JSON"), HasSubstr("line 5: ")));

    std::vector<std::string> ids;
    for (const auto& message : queued()) {
        const auto upload = events::decode_upload(message.body, message.content_type);
        ASSERT_TRUE(upload);
        ids.push_back(upload->r2_key == "b.jpg" ? "made up" : upload->event_id);
    }
    EXPECT_THAT(ids, testing::UnorderedElementsAre("event-1", "event-4", "made up"));
}

TEST_F(PublishTest, SendsAFileOfManyEvents) {
    std::string lines;
    for (int number = 1; number <= 1000; ++number)
        lines += line(number);
    const auto file = folder.file("events.jsonl", lines);
    const auto ended = run({"publish", "--json", "--from", file.string()});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(objects(ended.out).size(), 1000U);
    std::set<std::string> ids;
    for (const auto& message : queued())
        ids.insert(message.message_id);
    EXPECT_EQ(ids.size(), 1000U);
}

TEST_F(PublishTest, SendsTheEventThatItsOptionsDescribe) {
    const auto sha256 = sha256_of(bot);
    const auto ended = run(described({"v.mp4",
                                      "--sha256",
                                      sha256.hex(),
                                      "--bytes",
                                      "45000000",
                                      "--mime",
                                      "video/mp4",
                                      "--file-name",
                                      "v w.mp4",
                                      "--bucket",
                                      test::required_variable("R2_BUCKET"),
                                      "--width",
                                      "1920",
                                      "--height",
                                      "1080",
                                      "--duration",
                                      "12.5",
                                      "--supports-streaming",
                                      "--thumbnail-r2-key",
                                      "t.jpg",
                                      "--title",
                                      "t",
                                      "--performer",
                                      "p",
                                      "--cache-tag",
                                      "x"}));
    EXPECT_EQ(ended.status, 0) << ended.err;
    const auto event = only_event();
    EXPECT_EQ(event.event_id, objects(ended.out).at(0).at("event_id").as_string());
    EXPECT_EQ(event.media, (MediaKey{bot, sha256, MediaKind::video}));
    EXPECT_EQ(event.r2_bucket, "");
    EXPECT_EQ(event.r2_key, "v.mp4");
    EXPECT_EQ(event.bytes, 45'000'000U);
    EXPECT_EQ(event.mime_type, "video/mp4");
    EXPECT_EQ(event.file_name, "v w.mp4");
    EXPECT_THAT(event.cache_tags, testing::ElementsAre("x"));
    EXPECT_EQ(event.attributes, (MediaAttributes{.width = 1920,
                                                 .height = 1080,
                                                 .duration = 12'500ms,
                                                 .title = "t",
                                                 .performer = "p",
                                                 .supports_streaming = true,
                                                 .thumbnail_r2_key = "t.jpg"}));
}

TEST_F(PublishTest, ReadsTheObjectWhoseDigestIsNotGiven) {
    migrate();
    std::string content(700'000, 'x');
    content += test::random_name();
    const auto file = folder.file("v.mp4", content);
    const auto uploaded = run({"upload", file.string(), "--bot", bot, "--json"});
    ASSERT_EQ(uploaded.status, 0) << uploaded.err;
    queued();

    const std::string key{objects(uploaded.out).at(0).at("key").as_string()};
    const auto ended = run(described({key}));
    EXPECT_EQ(ended.status, 0) << ended.err;
    const auto event = only_event();
    EXPECT_EQ(event.media.sha256, sha256_of(content));
    EXPECT_EQ(event.bytes, content.size());

    const auto other_size = run(described({key, "--bytes", "5"}));
    EXPECT_EQ(other_size.status, 1);
    EXPECT_THAT(other_size.err, HasSubstr("5 were announced"));
}

TEST_F(PublishTest, SendsNothingForAnObjectThatIsNotThere) {
    const auto ended = run(described({test::random_name()}));
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, HasSubstr("404"));
    EXPECT_TRUE(queued().empty());
}

TEST_F(PublishTest, RefusesWhatTheServiceWouldRefuse) {
    const auto ended = run(described({"../a", "--sha256", sha256_of(bot).hex()}));
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.err, HasSubstr("`..`"));
}

TEST_F(PublishTest, FailsWhenNoQueueGetsTheEvent) {
    must(run_coroutine(channel->delete_queue(names.upload_queue, soon())));
    const auto ended = run(described({"a", "--sha256", sha256_of(bot).hex()}));
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, HasSubstr("no queue"));
}

TEST_F(PublishTest, StopsAndNamesTheLinesThatTheBrokerDidNotTake) {
    must(run_coroutine(channel->delete_queue(names.upload_queue, soon())));
    const auto ended = run({"publish", "--from", "-"}, line(1) + line(2));
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.out, "0 events published\n");
    EXPECT_THAT(ended.err, AllOf(HasSubstr("to be published again: line 1"),
                                 HasSubstr("nothing behind line ")));
}

TEST_F(PublishTest, SaysThatRabbitMqIsAway) {
    variables["RABBITMQ_URL"] = "amqp://127.0.0.1:1";
    const auto ended = run({"publish", "--from", "-"}, line(1));
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("Connection refused"), HasSubstr("see RABBITMQ_URL")));
}

}  // namespace
}  // namespace prewarm::producer
