#include "common/base/media.hpp"
#include "tests/integration/producer/prewarmctl_fixture.hpp"

namespace prewarm::producer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class InspectTest : public PrewarmctlTest {
protected:
    InspectTest() {
        migrate();
        make_topology();
    }

    /// A row as the service leaves it; `more` sets what differs from one that just began.
    void add_media(const std::string& kind, const std::string& more) {
        database.run("INSERT INTO media_cache (bot_slug, sha256, kind) VALUES ('" + bot + "', '" +
                     sha256 + "', '" + kind + "')");
        if (more.empty()) return;
        database.run("UPDATE media_cache SET " + more + " WHERE kind = '" + kind + "'");
    }

    test::ProgramEnd look_up(const std::string& kind) {
        return run({"lookup", bot, sha256, kind, "--json"});
    }

    std::string sha256 = sha256_of(bot).hex();
};

const std::string ready =
    "status = 'ready', file_id = 'BAAC', file_unique_id = 'AgAD', actual_kind = 'animation', "
    "version = 2, bytes = 5, storage_chat_id = -1001, storage_message_id = 7, weak = true";

TEST_F(InspectTest, ShowsTheFileIdOfReadyMedia) {
    add_media("video", ready);
    const auto ended = look_up("video");
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_EQ(objects(ended.out).at(0), (boost::json::object{{"status", "ready"},
                                                             {"file_id", "BAAC"},
                                                             {"file_unique_id", "AgAD"},
                                                             {"actual_kind", "animation"},
                                                             {"weak", true},
                                                             {"version", 2},
                                                             {"bytes", 5},
                                                             {"storage_chat_id", -1001},
                                                             {"storage_message_id", 7},
                                                             {"attempts", 1}}));
    EXPECT_THAT(run({"lookup", bot, sha256, "video"}).out, HasSubstr("BAAC"));
}

TEST_F(InspectTest, FailsForMediaThatIsNotReady) {
    add_media("photo",
              "next_retry_at = '2030-01-01T00:00:00Z', last_error = 'HTTP 503', "
              "retry_count = 2");
    const auto warming = look_up("photo");
    EXPECT_EQ(warming.status, 1);
    EXPECT_THAT(warming.err, HasSubstr("not ready yet"));
    EXPECT_EQ(objects(warming.out).at(0),
              (boost::json::object{{"status", "warming"},
                                   {"failed_attempts", 2},
                                   {"last_error", "HTTP 503"},
                                   {"next_retry_at", "2030-01-01T00:00:00Z"}}));

    add_media("audio", "status = 'failed', last_error = 'too large', retry_count = 5");
    const auto failed = look_up("audio");
    EXPECT_EQ(failed.status, 1);
    EXPECT_THAT(failed.err, HasSubstr("will not get ready by itself"));
    EXPECT_EQ(objects(failed.out).at(0).at("last_error"), "too large");

    const auto unknown = look_up("sticker");
    EXPECT_EQ(unknown.status, 1);
    EXPECT_THAT(unknown.err, HasSubstr("no upload event"));
    EXPECT_EQ(unknown.out, "{\"status\":\"unknown\"}\n");
}

TEST_F(InspectTest, CountsMessagesAndMedia) {
    add_media("video", ready);
    add_media("photo", "updated_at = now() - interval '1 hour'");
    add_media("audio", "next_retry_at = now() + interval '1 hour', retry_count = 1");
    must(channel->publish(names.upload_exchange, names.upload_key, {.body = "x"}, false));
    // A quorum queue tells its depth a moment late: see to it that this message counts.
    while (must(run_coroutine(channel->inspect_queue(names.upload_queue, soon()))).ready_messages ==
           0) {
    }

    const auto ended = run({"status", "--json"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    const auto status = objects(ended.out).at(0);
    EXPECT_EQ(status.at("queues"),
              (boost::json::array{
                  {{"name", names.upload_queue}, {"ready_messages", 1}, {"consumers", 0}},
                  {{"name", names.dead_letter_queue}, {"ready_messages", 0}, {"consumers", 0}}}));
    EXPECT_EQ(status.at("parked"), 1);
    EXPECT_GE(status.at("oldest_warming_seconds").to_number<int>(), 3600);
    ASSERT_EQ(status.at("media").as_array().size(), 3U);
    auto audio = status.at("media").as_array().at(0).as_object();
    audio.erase("oldest_seconds");
    EXPECT_EQ(audio, (boost::json::object{{"bot_slug", bot},
                                          {"kind", "audio"},
                                          {"status", "warming"},
                                          {"media", 1},
                                          {"at_work", 0},
                                          {"parked", 1},
                                          {"retried", 1},
                                          {"attempts_failed", 1}}));

    const auto table = run({"status"}).out;
    EXPECT_THAT(table, AllOf(HasSubstr(names.upload_queue), HasSubstr("parked: 1, longest warming: "
                                                                      "60 min")));
}

TEST_F(InspectTest, ShowsWhatItCanWhenOneServerIsAway) {
    add_media("video", ready);
    variables["RABBITMQ_URL"] = "amqp://127.0.0.1:1";
    const auto without_broker = run({"status"});
    EXPECT_EQ(without_broker.status, 1);
    EXPECT_THAT(without_broker.out, HasSubstr(bot));
    EXPECT_THAT(without_broker.err, HasSubstr("see RABBITMQ_URL"));

    variables.erase("RABBITMQ_URL");
    variables["DATABASE_URL"] = "postgresql://x@127.0.0.1:1/x";
    const auto without_database = run({"status"});
    EXPECT_EQ(without_database.status, 1);
    EXPECT_THAT(without_database.out, HasSubstr(names.upload_queue));
    EXPECT_THAT(without_database.err, HasSubstr("see DATABASE_URL"));
}

TEST_F(InspectTest, SaysWhichQueueIsMissing) {
    variables["RABBITMQ_PREFIX"] = "other-" + prefix;
    const auto ended = run({"status"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("no queue 'other-" + names.upload_queue),
                                 HasSubstr("prewarmctl topology")));
}

}  // namespace
}  // namespace prewarm::producer
