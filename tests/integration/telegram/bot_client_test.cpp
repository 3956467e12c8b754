#include "common/telegram/bot_client.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/telegram/file_name.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/sandbox_process.hpp"
#include "tests/support/scripted_server.hpp"

namespace prewarm::telegram {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr auto token = "123456:SECRET-of-the-bot-that-tests-the-client";

class BotClientTest : public testing::Test {
protected:
    template <class T>
    T run(asio::awaitable<T> task) {
        return test::run_to_end(loop, std::move(task));
    }

    static Deadline soon() { return deadline_in(60s); }

    static OutgoingMedia media(MediaKind kind) {
        const auto sample = test::sample_of(kind);
        return {.kind = kind,
                .chat_id = -100123,
                .content = bytes_of(sample),
                .file_name = file_name_for(kind, sample.file_name, sample.mime_type),
                .attributes = {},
                .thumbnail = {}};
    }

    /// What the sandbox noted of the last posting.
    boost::json::object last_received() {
        http::ClientRequest get{.method = http::Method::get,
                                .url = Secret{sandbox.url() + "/sandbox/received"},
                                .what = "received",
                                .headers = {},
                                .body = {},
                                .deadline = soon()};
        auto lines = run(client.send(std::move(get), 1'000'000))->body;
        lines.pop_back();
        return boost::json::parse(lines.substr(lines.rfind('\n') + 1)).as_object();
    }

    test::SandboxProcess sandbox{PREWARM_SANDBOX, {}};
    asio::io_context loop;
    http::Client client{loop.get_executor(), client_options()};
    BotClient bots{client, sandbox.url()};
};

class EveryKind : public BotClientTest, public testing::WithParamInterface<MediaKind> {};

TEST_P(EveryKind, ComesBackAsItself) {
    auto sent_media = media(GetParam());
    const auto bytes = std::get<std::string>(sent_media.content);
    const auto posting = run(bots.send(Secret{token}, std::move(sent_media), soon()));
    ASSERT_TRUE(posting.sent) << posting.sent.error().detail;
    EXPECT_EQ(posting.sent->actual_kind, GetParam());
    EXPECT_FALSE(posting.sent->file_id.empty());
    EXPECT_FALSE(posting.sent->file_unique_id.empty());
    EXPECT_EQ(posting.sent->bytes, bytes.size());
    EXPECT_EQ(posting.sent->chat_id, -100123);
    EXPECT_GT(posting.sent->message_id, 0);
    EXPECT_TRUE(posting.all_given_at);

    const auto received = last_received();
    EXPECT_EQ(received.at("sha256").as_string(), sha256_of(bytes).hex());
    EXPECT_EQ(received.at("file_id").as_string(), posting.sent->file_id);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind, testing::ValuesIn(all_media_kinds),
                         [](const auto& kind) { return std::string{name_of(kind.param)}; });

TEST_F(BotClientTest, DeclaresWhatIsKnownOfAVideo) {
    auto video = media(MediaKind::video);
    video.attributes = {.width = 640,
                        .height = 480,
                        .duration = 12'000ms,
                        .title = {},
                        .performer = {},
                        .supports_streaming = true,
                        .thumbnail_r2_key = {}};
    video.thumbnail = bytes_of(test::sample_of(MediaKind::photo));
    const auto thumbnail_bytes = video.thumbnail.size();
    ASSERT_TRUE(run(bots.send(Secret{token}, std::move(video), soon())).sent);
    const auto received = last_received();
    EXPECT_EQ(received.at("thumbnail_bytes").to_number<std::size_t>(), thumbnail_bytes);
    const auto declared = boost::json::serialize(received.at("declared"));
    EXPECT_THAT(declared, HasSubstr("640"));
    EXPECT_THAT(declared, HasSubstr("480"));
    EXPECT_THAT(declared, HasSubstr("12"));
}

TEST_F(BotClientTest, KeepsAFileNameAsItIs) {
    auto document = media(MediaKind::document);
    document.file_name = "100%41 \"кошка\".pdf";
    ASSERT_TRUE(run(bots.send(Secret{token}, std::move(document), soon())).sent);
    // The server's own cleaning takes the quotes and the sign.
    EXPECT_THAT(last_received().at("file_name").as_string().c_str(), HasSubstr("41"));
    EXPECT_THAT(last_received().at("file_name").as_string().c_str(), HasSubstr("кошка"));
}

TEST_F(BotClientTest, KnowsABot) {
    const auto me = run(bots.get_me(Secret{token}, soon()));
    ASSERT_TRUE(me) << me.error().detail;
    EXPECT_EQ(me->id, 123456);
}

TEST_F(BotClientTest, BlamesTheConfigurationForATokenThatIsNone) {
    const auto me = run(bots.get_me(Secret{"SECRET"}, soon()));
    ASSERT_FALSE(me);
    EXPECT_EQ(me.error().kind, FailureKind::bot_refused);
    EXPECT_THAT(me.error().detail, Not(HasSubstr("SECRET")));
    const auto posting = run(bots.send(Secret{"SECRET"}, media(MediaKind::photo), soon()));
    ASSERT_FALSE(posting.sent);
    EXPECT_EQ(posting.sent.error().kind, FailureKind::bot_refused);
    EXPECT_THAT(posting.sent.error().detail, Not(HasSubstr("SECRET")));
}

TEST_F(BotClientTest, SaysThatAFileIsTooLargeForTelegram) {
    auto document = media(MediaKind::document);
    document.content = std::string(53'000'000, 'x');
    const auto posting = run(bots.send(Secret{token}, std::move(document), soon()));
    ASSERT_FALSE(posting.sent);
    EXPECT_EQ(posting.sent.error().kind, FailureKind::too_large) << posting.sent.error().detail;
}

TEST_F(BotClientTest, SaysThatTelegramIsAwayWithoutNamingTheToken) {
    sandbox.stop();
    const auto posting = run(bots.send(Secret{token}, media(MediaKind::photo), soon()));
    ASSERT_FALSE(posting.sent);
    EXPECT_EQ(posting.sent.error().kind, FailureKind::unavailable);
    EXPECT_THAT(posting.sent.error().detail, Not(HasSubstr("SECRET")));
    EXPECT_FALSE(posting.outcome_unknown);
}

TEST_F(BotClientTest, DoesNotKnowWhatBecameOfAFileThatWasNotAnswered) {
    test::ScriptedServer server{
        loop, [](test::Connection& connection) -> asio::awaitable<void> {
            const auto head = co_await connection.read_head();
            co_await connection.read_bytes(test::Connection::body_size(head));
        }};
    BotClient mute{client, server.url("")};
    const auto posting = run([](BotClient& to, test::ScriptedServer& at,
                                OutgoingMedia photo) -> asio::awaitable<Posting> {
        auto done = co_await to.send(Secret{token}, std::move(photo), soon());
        at.stop();
        co_return done;
    }(mute, server, media(MediaKind::photo)));
    ASSERT_FALSE(posting.sent);
    EXPECT_EQ(posting.sent.error().kind, FailureKind::outcome_unknown);
    EXPECT_TRUE(posting.outcome_unknown);
}

}  // namespace
}  // namespace prewarm::telegram
