#include "common/events/announcement.hpp"
#include "tests/integration/producer/prewarmctl_fixture.hpp"

namespace prewarm::producer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class EventsTest : public PrewarmctlTest {
protected:
    EventsTest() { make_topology(); }

    /// Runs once it follows the announcements.
    std::unique_ptr<test::Program> follow(std::vector<std::string> more) {
        more.insert(more.begin(), "events");
        auto program = std::make_unique<test::Program>(PREWARMCTL, std::move(more), variables);
        program->wait_for_error("following");
        return program;
    }

    void announce_ready(const std::string& bot_slug, const std::string& file_id) {
        ReadyMedia ready;
        ready.media = {.bot_slug = bot_slug, .sha256 = sha256_of("x"), .kind = MediaKind::photo};
        ready.actual_kind = MediaKind::photo;
        ready.file_id = file_id;
        announce(topology::ready_key(bot_slug, MediaKind::photo), events::ready_type,
                 events::encode_ready(ready, false, "e", std::chrono::system_clock::now()));
    }

    void announce_failed(const std::string& bot_slug) {
        announce(topology::failed_key(bot_slug, MediaKind::photo), events::failed_type,
                 events::encode_failed(
                     {.bot_slug = bot_slug, .reason = FailureReason::too_large, .detail = "60 MB"},
                     "e", std::chrono::system_clock::now()));
    }

    void announce(const std::string& key, std::string_view type, std::string body) {
        amqp::Message message{.body = std::move(body), .type = std::string{type}};
        must(channel->publish(names.media_exchange, key, message, false));
        // An answer: what was queued before it has been sent.
        must(run_coroutine(channel->inspect_queue(names.upload_queue, soon())));
    }
};

TEST_F(EventsTest, EndsAfterAsManyAsAreAskedFor) {
    const auto following = follow({"--count", "2"});
    announce_ready(bot, "file-1");
    announce_failed(bot);
    announce_ready(bot, "file-3");
    const auto ended = following->wait();
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.out, AllOf(HasSubstr("  ready   " + bot + "  photo  " + sha256_of("x").hex()),
                                 HasSubstr("file_id=file-1"), HasSubstr("TOO_LARGE  60 MB")));
    EXPECT_EQ(std::ranges::count(ended.out, '\n'), 2);
}

TEST_F(EventsTest, PrintsProtobufJson) {
    const auto following = follow({"--count", "1", "--json"});
    announce_ready(bot, "file-1");
    const auto ended = following->wait();
    const auto event = objects(ended.out).at(0);
    EXPECT_EQ(event.at("botSlug").as_string(), bot);
    EXPECT_EQ(event.at("fileId").as_string(), "file-1");
    EXPECT_EQ(event.at("kind").as_string(), "PHOTO");
}

TEST_F(EventsTest, ShowsOnlyTheBotThatIsAskedFor) {
    const auto following = follow({"--count", "1", "--bot", bot});
    announce_ready(test::random_name(), "another's");
    announce_ready(bot, "its own");
    const auto ended = following->wait();
    EXPECT_EQ(ended.status, 0) << ended.err;
    EXPECT_THAT(ended.out, HasSubstr("its own"));
    EXPECT_EQ(std::ranges::count(ended.out, '\n'), 1);
}

TEST_F(EventsTest, PassesOverWhatItCannotRead) {
    const auto following = follow({"--count", "1"});
    announce("media.other." + bot + ".photo", "of another program", "\xff");
    announce_ready(bot, "file-1");
    const auto ended = following->wait();
    EXPECT_EQ(ended.status, 0);
    EXPECT_THAT(ended.err, HasSubstr("passed over a message of type `of another program`"));
    EXPECT_EQ(std::ranges::count(ended.out, '\n'), 1);
}

TEST_F(EventsTest, EndsWellWhenInterrupted) {
    for (const int signal : {SIGINT, SIGTERM}) {
        const auto following = follow({});
        following->send_signal(signal);
        const auto ended = following->wait();
        EXPECT_EQ(ended.status, 0);
        EXPECT_EQ(ended.out, "");
    }
}

TEST_F(EventsTest, FailsWhenTheCountIsNotReachedInTime) {
    const auto ended = follow({"--count", "1", "--timeout", "1"})->wait();
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, HasSubstr("0 of 1 events came within 1 s"));
    EXPECT_EQ(follow({"--timeout", "1"})->wait().status, 0);
}

TEST_F(EventsTest, SaysHowToMakeAMissingExchange) {
    variables["RABBITMQ_PREFIX"] = "other-" + prefix;
    const auto ended = run({"events"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_THAT(ended.err, AllOf(HasSubstr("no exchange"), HasSubstr("prewarmctl topology")));
}

}  // namespace
}  // namespace prewarm::producer
