#include <algorithm>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/telegram/bot_client.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/sandbox_faults.hpp"
#include "tests/support/sandbox_process.hpp"

// Albums, as the sandbox takes them.

namespace prewarm::telegram {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto token = "123456:SECRET-of-the-bot-that-tests-the-client";

class AlbumTest : public testing::Test {
protected:
    /// Whatever follows the picture does not make it another one.
    static std::string picture(std::size_t number) {
        return bytes_of(test::sample_of(MediaKind::photo)) + std::to_string(number);
    }
    static std::vector<OutgoingMedia> photos(std::size_t count) {
        std::vector<OutgoingMedia> all;
        for (std::size_t i = 0; i < count; ++i) {
            all.push_back({.kind = MediaKind::photo,
                           .chat_id = -100123,
                           .content = picture(i),
                           .file_name = "photo.jpg"});
        }
        return all;
    }
    std::vector<Posting> send(std::vector<OutgoingMedia> album, const char* as = token) {
        return test::run_to_end(loop,
                                bots.send_album(Secret{as}, std::move(album), deadline_in(60s)));
    }
    std::vector<FailureKind> failures_of(std::vector<OutgoingMedia> album) {
        std::vector<FailureKind> kinds;
        for (const auto& posting : send(std::move(album))) {
            if (posting.sent) continue;
            kinds.push_back(posting.sent.error().kind);
            EXPECT_EQ(posting.sent.error().detail.find("SECRET"), std::string::npos);
        }
        return kinds;
    }
    void play(std::string rules) { test::put_faults(loop, sandbox.url(), std::move(rules)); }

    std::vector<boost::json::object> received() {
        const auto lines =
            test::run_to_end(loop, client.send({.method = http::Method::get,
                                                .url = Secret{sandbox.url() + "/sandbox/received"},
                                                .what = "received",
                                                .deadline = deadline_in(60s)},
                                               1'000'000))
                ->body;
        std::vector<boost::json::object> postings;
        for (std::size_t at = 0; at < lines.size();) {
            const auto end = lines.find('\n', at);
            postings.push_back(boost::json::parse(lines.substr(at, end - at)).as_object());
            at = end + 1;
        }
        return postings;
    }

    test::SandboxProcess sandbox{PREWARM_SANDBOX, {}};
    asio::io_context loop;
    http::Client client{loop.get_executor(), client_options()};
    BotClient bots{client, sandbox.url()};
};

TEST_F(AlbumTest, GivesEachPhotoItsOwnFileId) {
    const auto postings = send(photos(10));
    const auto posted = received();
    ASSERT_THAT(postings, SizeIs(10));
    ASSERT_THAT(posted, SizeIs(10));
    for (std::size_t i = 0; i < postings.size(); ++i) {
        const auto& sent = postings[i].sent;
        ASSERT_TRUE(sent) << sent.error().detail;
        EXPECT_EQ(sent->actual_kind, MediaKind::photo);
        EXPECT_EQ(sent->bytes, picture(i).size());
        EXPECT_EQ(sent->chat_id, -100123);
        EXPECT_TRUE(postings[i].all_given_at);
        const auto same = std::ranges::find_if(posted, [&](const boost::json::object& one) {
            return one.at("sha256").as_string() == sha256_of(picture(i)).hex();
        });
        ASSERT_NE(same, posted.end());
        EXPECT_EQ(same->at("file_id").as_string(), sent->file_id);
        EXPECT_EQ(same->at("message_id").to_number<std::int64_t>(), sent->message_id);
    }
}

TEST_F(AlbumTest, PostsNothingWhenOneIsRefusedAndSaysWhich) {
    using enum FailureKind;
    auto album = photos(4);
    album[2].content = std::string{"no picture"};
    EXPECT_THAT(failures_of(std::move(album)),
                ElementsAre(way_closed, way_closed, refused, way_closed));
    EXPECT_THAT(received(), IsEmpty());
}

TEST_F(AlbumTest, IsOneRequestToAFlood) {
    using enum FailureKind;
    play(R"([{"side": "telegram", "method": "sendMediaGroup", "times": 1, "hidden_429": 8}])");
    EXPECT_THAT(failures_of(photos(2)), ElementsAre(throttled, throttled));
    play(R"([{"side": "telegram", "times": 1, "status": 400,
              "description": "Bad Request: group send failed"}])");
    EXPECT_THAT(failures_of(photos(2)), ElementsAre(way_closed, way_closed));
    EXPECT_THAT(failures_of(photos(2)), IsEmpty());
}

TEST_F(AlbumTest, MayBeThereWhenNoAnswerCame) {
    using enum FailureKind;
    play(R"([{"side": "telegram", "times": 1, "reset": "after"}])");
    for (const auto& posting : send(photos(3))) {
        EXPECT_TRUE(posting.outcome_unknown);
        ASSERT_FALSE(posting.sent);
        EXPECT_EQ(posting.sent.error().kind, outcome_unknown);
    }
    EXPECT_THAT(received(), SizeIs(3));
}

TEST_F(AlbumTest, IsNotPostedByAStranger) {
    for (const auto& posting : send(photos(2), "SECRET")) {
        ASSERT_FALSE(posting.sent);
        EXPECT_EQ(posting.sent.error().kind, FailureKind::bot_refused);
        EXPECT_THAT(posting.sent.error().detail, HasSubstr("sendMediaGroup"));
    }
}

}  // namespace
}  // namespace prewarm::telegram
