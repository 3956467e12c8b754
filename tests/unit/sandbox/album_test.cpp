#include "sandbox/telegram/album.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/telegram/bot_api.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/unit/sandbox/contents.hpp"
#include "tests/unit/sandbox/requests.hpp"

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;
using test::part;
using testing::HasSubstr;

const std::string token = "111:" + std::string(35, 'A');

class AlbumTest : public testing::Test {
protected:
    http::Response ask(const std::string& media, const std::string& files,
                       const std::string& chat = "-100123") {
        test::Asked asked{"POST", "/bot" + token + "/sendMediaGroup"};
        asked.add_header("Content-Type", "multipart/form-data; boundary=X");
        asked.body.text = part("chat_id", chat) + part("media", media) + files + "--X--\r\n";
        return prewarm::test::run_to_end(loop, api.answer(asked.request));
    }

    json::array send(const std::string& media, const std::string& files) {
        const auto answer = json::parse(std::get<std::string>(ask(media, files).body));
        EXPECT_TRUE(answer.at("ok").as_bool()) << answer;
        return answer.at("ok").as_bool() ? answer.at("result").as_array() : json::array{};
    }

    std::string refusal(const std::string& media, const std::string& files = "") {
        const auto answer = json::parse(std::get<std::string>(ask(media, files).body));
        EXPECT_EQ(audit.json_lines(), "") << "nothing is posted";
        const auto* const description = answer.as_object().if_contains("description");
        return description == nullptr ? "posted" : json::value_to<std::string>(*description);
    }

    static std::string of(const std::string& type, int count) {
        json::array media;
        for (int i = 0; i < count; ++i)
            media.push_back({{"type", type}, {"media", "attach://a"}});
        return json::serialize(media);
    }

    asio::io_context loop;
    Stats stats;
    Audit audit{100};
    FaultMatcher faults;
    BotApi api{{}, stats, audit, faults};
    const std::string photo = part("a", test::jpeg(9, 9), "a.jpg");
    const std::string video = part("b", test::mp4({.has_sound = true}), "b.mp4");
};

TEST_F(AlbumTest, PostsPhotosAndVideosTogether) {
    const auto messages = send(
        R"([{"type": "photo", "media": "attach://a", "caption": "first"},
            {"type": "video", "media": "attach://b", "width": 8, "height": 6, "thumbnail": "attach://a"}])",
        photo + video);
    ASSERT_EQ(messages.size(), 2U);
    EXPECT_TRUE(messages[0].as_object().contains("photo"));
    EXPECT_EQ(messages[0].at("caption"), "first");
    EXPECT_EQ(messages[1].at("video").at("width"), 8);
    EXPECT_EQ(messages[1].at("video").at("thumbnail").at("file_size"), test::jpeg(9, 9).size());
    EXPECT_EQ(messages[0].at("media_group_id"), messages[1].at("media_group_id"));
    EXPECT_EQ(messages[1].at("message_id").as_int64(), messages[0].at("message_id").as_int64() + 1);
    EXPECT_NE(send(of("photo", 2), photo)[0].at("media_group_id"),
              messages[0].at("media_group_id"));
}

TEST_F(AlbumTest, TakesFileIds) {
    const auto first = send(of("photo", 2), photo);
    const auto file_id = first[0].at("photo").as_array().back().at("file_id");
    const json::array media{{{"type", "photo"}, {"media", file_id}},
                            {{"type", "photo"}, {"media", file_id}}};
    EXPECT_EQ(send(json::serialize(media), "").size(), 2U);
}

TEST_F(AlbumTest, NeverTakesADocumentForAnythingElse) {
    const auto messages = send(of("document", 2), part("a", test::gif(), "a.gif"));
    EXPECT_FALSE(messages.at(0).as_object().contains("animation"));
    EXPECT_TRUE(messages.at(0).as_object().contains("document"));
}

TEST_F(AlbumTest, TakesUpToTenItems) {
    EXPECT_EQ(refusal(of("photo", 11), photo),
              "Bad Request: too many messages to send as an album");
    EXPECT_EQ(refusal("[]"), "Bad Request: there are no messages to send");
    EXPECT_EQ(send(of("photo", 1), photo).size(), 1U);
    EXPECT_EQ(send(of("photo", 10), photo).size(), 10U);
}

TEST_F(AlbumTest, RefusesWhatIsNoMedia) {
    EXPECT_EQ(refusal("x"), "Bad Request: can't parse media JSON object");
    EXPECT_EQ(refusal("[1]"), "Bad Request: can't parse media JSON object: expected an Object");
    EXPECT_EQ(refusal(R"([{"type": "photo"}])"), "Bad Request: media not found");
    EXPECT_EQ(refusal(of("animation", 2), photo),
              R"(Bad Request: type "animation" can't be used in sendMediaGroup)");
}

TEST_F(AlbumTest, DoesNotMixKinds) {
    const auto mixed = [this](const std::string& one, const std::string& other) {
        const json::array media{{{"type", one}, {"media", "attach://a"}},
                                {{"type", other}, {"media", "attach://a"}}};
        return refusal(json::serialize(media), photo);
    };
    EXPECT_EQ(mixed("photo", "audio"), "Bad Request: audio can't be mixed with other media types");
    EXPECT_EQ(mixed("audio", "photo"), "Bad Request: audio can't be mixed with other media types");
    EXPECT_EQ(mixed("video", "document"),
              "Bad Request: document can't be mixed with other media types");
}

TEST_F(AlbumTest, PostsNothingWhenOneItemFailsAndNamesIt) {
    const std::string media = R"([{"type": "photo", "media": "attach://a"},
                                  {"type": "photo", "media": "attach://c"}])";
    EXPECT_EQ(refusal(media, photo + part("c", test::jpeg(9000, 9000), "c.jpg")),
              "Bad Request: failed to send message #2 with the error message "
              "\"PHOTO_INVALID_DIMENSIONS\"");
    EXPECT_EQ(refusal(media, photo + part("c", "", "c.jpg")),
              "Bad Request: failed to send message #2 with the error message "
              "\"File must be non-empty\"");
}

TEST_F(AlbumTest, RefusesAnItemThatBecomesAnotherKind) {
    EXPECT_EQ(refusal(of("video", 2), part("a", test::matroska(), "a.mkv")),
              "Bad Request: can't use the media of the specified type in the album");
}

TEST_F(AlbumTest, CountsEachItemForTheLimits) {
    send(of("photo", 10), photo);
    send(of("photo", 8), photo);
    const auto refused = ask(of("photo", 3), photo);
    EXPECT_EQ(refused.status, 429U);
    EXPECT_EQ(stats.violations.at("group"), 1U);
    EXPECT_EQ(std::ranges::count(audit.json_lines(), '\n'), 18);
}

TEST_F(AlbumTest, PassesToAPersonThoughItIsMoreThanABurst) {
    EXPECT_EQ(ask(of("photo", 10), photo, "5").status, 200U);
    EXPECT_EQ(ask(of("photo", 1), photo, "5").status, 429U);
}

TEST_F(AlbumTest, DoesNotWrapFloodsAndServerErrors) {
    EXPECT_EQ(failed_item(0, {.code = 429, .description = "Too Many Requests"}).code, 429U);
    EXPECT_EQ(failed_item(0, {.code = 500, .description = "x"}).description, "x");
}

}  // namespace
}  // namespace prewarm::sandbox
