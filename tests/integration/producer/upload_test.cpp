#include <algorithm>

#include "common/events/upload_event.hpp"
#include "common/http/client.hpp"
#include "common/s3/object_reader.hpp"
#include "tests/integration/producer/prewarmctl_fixture.hpp"

namespace prewarm::producer {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// Files that no other test has, so that their objects are new.
class UploadTest : public PrewarmctlTest {
protected:
    UploadTest() {
        migrate();
        make_topology();
    }

    fs::path files() const { return folder.path() / "files"; }

    /// A sample with bytes of its own behind, which none of its readers minds.
    std::string sample(const std::string& name, const fs::path& from = PREWARM_SAMPLES) {
        std::ifstream in{from / name, std::ios::binary};
        std::string content{std::istreambuf_iterator<char>{in}, {}};
        content += test::random_name();
        folder.file("files/" + name, content);
        return content;
    }

    test::ProgramEnd upload(std::vector<std::string> more = {}) {
        more.insert(more.begin(), {"upload", files().string(), "--bot", bot, "--json"});
        return run(std::move(more));
    }

    std::string stored(const std::string& key) {
        http::Client client{loop.get_executor(), {}};
        auto endpoint =
            must(s3::Endpoint::at(test::required_variable("R2_ENDPOINT"),
                                  {test::required_variable("R2_ACCESS_KEY_ID"),
                                   Secret{test::required_variable("R2_SECRET_ACCESS_KEY")},
                                   test::required_variable("R2_REGION")}));
        s3::ObjectReader reader{client, endpoint};
        return must(
            run_coroutine(read_whole(reader, {test::required_variable("R2_BUCKET"), key}, soon())));
    }

private:
    static Task<std::string> read_whole(s3::ObjectReader& reader, s3::ObjectName object,
                                        Deadline deadline) {
        auto opened = co_await reader.open(std::move(object), {}, deadline);
        if (!opened) co_return opened.error();
        co_return co_await opened->read_all();
    }
};

std::vector<Upload> decoded(const std::vector<amqp::Message>& messages) {
    std::vector<Upload> uploads;
    for (const auto& message : messages) {
        auto upload = events::decode_upload(message.body, message.content_type);
        EXPECT_TRUE(upload);
        if (upload) uploads.push_back(*upload);
    }
    return uploads;
}

TEST_F(UploadTest, LeavesAnObjectARowAndAnEventOfEachFile) {
    const auto photo = sample("photo.jpg");
    const auto audio = sample("audio.mp3");
    const auto document = sample("document.pdf");
    const auto ended = upload({"--prefix", "m/ +%/", "--chat", "-1001", "--cache-key", "k1",
                               "--cache-key", "k2", "--cache-tag", "t"});
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("3 files published, 0 recorded only, 0 failed; 0 objects"));

    const std::map<std::string, std::pair<std::string, std::string>> expected{
        {sha256_of(photo).hex(), {"photo", photo}},
        {sha256_of(audio).hex(), {"audio", audio}},
        {sha256_of(document).hex(), {"document", document}}};
    std::map<std::string, std::string> event_ids;
    for (const auto& told : objects(ended.out)) {
        const std::string sha256{told.at("sha256").as_string()};
        const std::string key{told.at("key").as_string()};
        const auto& [kind, content] = expected.at(sha256);
        EXPECT_EQ(told.at("kind").as_string(), kind);
        EXPECT_EQ(told.at("result").as_string(), "published");
        EXPECT_TRUE(key.starts_with("m/ +%/" + sha256 + ".")) << key;
        EXPECT_EQ(stored(key), content);
        event_ids[sha256] = told.at("event_id").as_string();

        const auto rows = database.run(
            "SELECT kind, r2_bucket, r2_key, bytes, file_name FROM media_store WHERE sha256 = '" +
            sha256 + "' AND bot_slug = '" + bot + "'");
        ASSERT_EQ(rows.size(), 1U);
        EXPECT_EQ(rows[0][0].as<std::string>(), kind);
        EXPECT_EQ(rows[0][1].as<std::string>(), "");
        EXPECT_EQ(rows[0][2].as<std::string>(), key);
        EXPECT_EQ(rows[0][3].as<std::size_t>(), content.size());
        EXPECT_TRUE(rows[0][4].as<std::string>().starts_with(kind));
    }
    EXPECT_EQ(event_ids.size(), 3U);
    // Published, so the service need not do it.
    EXPECT_EQ(database
                  .run("SELECT count(*) FROM media_cache WHERE status = 'warming' "
                       "AND next_retry_at IS NULL AND cache_keys = '{k1,k2}'")[0][0]
                  .as<int>(),
              3);

    const auto messages = queued();
    ASSERT_EQ(messages.size(), 3U);
    for (const auto& event : decoded(messages)) {
        EXPECT_EQ(event.event_id, event_ids.at(event.media.sha256.hex()));
        EXPECT_EQ(event.media.bot_slug, bot);
        EXPECT_EQ(event.r2_bucket, "");
        EXPECT_EQ(event.warmup_chat_id, -1001);
        EXPECT_THAT(event.cache_keys, ElementsAre("k1", "k2"));
        EXPECT_THAT(event.cache_tags, ElementsAre("t"));
    }
    for (const auto& message : messages) {
        EXPECT_EQ(message.type, events::upload_type);
        EXPECT_EQ(message.content_type, events::protobuf_content_type);
        EXPECT_TRUE(message.persistent);
        EXPECT_EQ(message.priority, events::priority_of(decoded({message}).at(0)));
        EXPECT_EQ(message.message_id, decoded({message}).at(0).event_id);
    }
}

TEST_F(UploadTest, CanBeRepeatedAndSendsNoObjectTwice) {
    sample("photo.jpg");
    ASSERT_EQ(upload().status, 0);
    const auto again = upload();
    EXPECT_EQ(again.status, 0) << again.err;
    EXPECT_THAT(again.err, HasSubstr("1 file published, 0 recorded only, 0 failed; 1 object was"));
    EXPECT_EQ(objects(again.out).at(0).at("object_was_there"), true);
    EXPECT_EQ(queued().size(), 2U);
    EXPECT_EQ(database.run("SELECT count(*) FROM media_cache")[0][0].as<int>(), 1);
}

TEST_F(UploadTest, GoesOnAfterAFileThatFails) {
    sample("photo.jpg");
    folder.file("files/empty.txt", "");
    const auto ended = upload({(folder.path() / "missing").string()});
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err,
                AllOf(HasSubstr("missing: No such file"), HasSubstr("empty.txt: it is empty"),
                      HasSubstr("1 file published, 0 recorded only, 2 failed")));
    EXPECT_EQ(queued().size(), 1U);
}

TEST_F(UploadTest, SendsAsTheKindThatIsAskedFor) {
    sample("video.mp4");
    ASSERT_EQ(upload({"--kind", "video_note"}).status, 0);
    const auto events = decoded(queued());
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].media.kind, MediaKind::video_note);
    EXPECT_EQ(events[0].mime_type, "video/mp4");
}

TEST_F(UploadTest, TellsWhatAVideoSaysOfItself) {
    sample("video.mp4");
    ASSERT_EQ(upload().status, 0);
    const auto events = decoded(queued());
    ASSERT_EQ(events.size(), 1U);
    const auto& told = events[0].attributes;
    EXPECT_EQ(told.width, 320U);
    EXPECT_EQ(told.height, 240U);
    EXPECT_NEAR(static_cast<double>(told.duration.count()), 2000, 100);
    EXPECT_EQ(told.thumbnail_r2_key, "") << "Telegram makes one of a small video";
}

TEST_F(UploadTest, TellsTheTitleAndPerformerOfAnAudio) {
    sample("audio.mp3");
    ASSERT_EQ(upload().status, 0);
    const auto events = decoded(queued());
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].attributes.title, "A tone");
    EXPECT_EQ(events[0].attributes.performer, "prewarm");
}

TEST_F(UploadTest, StoresAThumbnailBesideALargeVideo) {
    sample("large.mp4", PREWARM_TEST_MEDIA);
    const auto ended = upload();
    ASSERT_EQ(ended.status, 0) << ended.err;
    const auto events = decoded(queued());
    ASSERT_EQ(events.size(), 1U);
    const auto& told = events[0].attributes;
    EXPECT_EQ(told.width, 640U);
    EXPECT_EQ(told.height, 360U);
    EXPECT_NEAR(static_cast<double>(told.duration.count()), 20'000, 200);
    EXPECT_EQ(told.thumbnail_r2_key, events[0].r2_key + ".thumb.jpg");
    const auto thumbnail = stored(told.thumbnail_r2_key);
    EXPECT_TRUE(thumbnail.starts_with("\xff\xd8"));
    EXPECT_LE(thumbnail.size(), most_thumbnail_bytes);
}

TEST_F(UploadTest, SendsAVideoThatTellsNothing) {
    const std::string start{
        "\0\0\0\x18"
        "ftypmp42\0\0\0\0mp42isom",
        24};
    folder.file("files/cut.mp4", start + test::random_name());
    ASSERT_EQ(upload().status, 0);
    const auto events = decoded(queued());
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].media.kind, MediaKind::video);
    EXPECT_EQ(events[0].attributes, MediaAttributes{});
}

TEST_F(UploadTest, LeavesThePublishingToTheServiceWhenRabbitMqIsAway) {
    sample("photo.jpg");
    sample("document.pdf");
    variables["RABBITMQ_URL"] = "amqp://127.0.0.1:1";
    const auto ended = upload();
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.err,
                AllOf(HasSubstr("0 files published, 2 recorded only, 0 failed"),
                      HasSubstr("Connection refused"), HasSubstr("once RabbitMQ is back")));
    EXPECT_EQ(database
                  .run("SELECT count(*) FROM media_cache WHERE status = 'warming' "
                       "AND next_retry_at <= now() AND event IS NOT NULL")[0][0]
                  .as<int>(),
              2);
}

TEST_F(UploadTest, LeavesThePublishingToTheServiceWhenThereIsNoQueue) {
    sample("photo.jpg");
    variables["RABBITMQ_PREFIX"] = test::random_name();
    const auto ended = upload();
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.err, AllOf(HasSubstr("1 recorded only"), HasSubstr("NOT_FOUND")));
}

TEST_F(UploadTest, StopsWhenNoFileCanFareBetter) {
    for (int i = 0; i < 5; ++i)
        folder.file("files/" + std::to_string(i) + ".txt", "some text " + std::to_string(i));
    variables["R2_SECRET_ACCESS_KEY"] = "hunter2";
    const auto ended = upload({"--concurrency", "2"});
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("not tried, because"), HasSubstr("403"),
                                 HasSubstr("R2_SECRET_ACCESS_KEY")));
    EXPECT_THAT(ended.err, testing::Not(HasSubstr("hunter2")));
    EXPECT_LT(objects(ended.out).size(), 5U);
}

TEST_F(UploadTest, WantsTheTablesToBeThereBeforeItBegins) {
    sample("photo.jpg");
    const test::FreshDatabase empty;
    variables["DATABASE_URL"] = empty.url().reveal();
    const auto ended = upload();
    EXPECT_EQ(ended.status, 2);
    EXPECT_THAT(ended.err, HasSubstr("prewarmctl migrate"));
    EXPECT_EQ(ended.out, "");
}

TEST_F(UploadTest, PutsFilesOfManyMegabytesWhole) {
    std::string content(20'000'000, 'x');
    content += test::random_name();
    folder.file("files/large.bin", content);
    const auto ended = upload();
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_TRUE(stored(std::string{objects(ended.out).at(0).at("key").as_string()}) == content);
}

}  // namespace
}  // namespace prewarm::producer
