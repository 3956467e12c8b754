#include "sandbox/telegram/bot_api.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_to_end.hpp"
#include "tests/unit/sandbox/requests.hpp"

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;
using test::part;
using testing::HasSubstr;

const std::string token = "111:" + std::string(35, 'A');
const std::string other_token = "222:" + std::string(35, 'B');

class BotApiTest : public testing::Test {
protected:
    http::Response ask(const std::string& method, const std::string& parts,
                       const std::string& of_token = token) {
        test::Asked asked{"POST", "/bot" + of_token + "/" + method};
        asked.body.breaks_off = breaks_off;
        if (!parts.empty()) {
            asked.add_header("Content-Type", "multipart/form-data; boundary=X");
            asked.body.text = parts + "--X--\r\n";
        }
        return prewarm::test::run_to_end(loop, api.answer(asked.request));
    }

    /// The answer's `result`.
    json::value call(const std::string& method, const std::string& parts,
                     const std::string& of_token = token) {
        const auto response = ask(method, parts, of_token);
        const auto answer = json::parse(std::get<std::string>(response.body));
        EXPECT_EQ(response.status, 200U) << answer;
        return answer.at("result");
    }

    /// The answer's `description`; its code is the status.
    std::string refusal(const std::string& method, const std::string& parts, unsigned status = 400,
                        const std::string& of_token = token) {
        const auto response = ask(method, parts, of_token);
        const auto answer = json::parse(std::get<std::string>(response.body));
        EXPECT_EQ(response.status, status) << answer;
        EXPECT_EQ(answer.at("error_code").to_number<unsigned>(), status);
        EXPECT_FALSE(answer.at("ok").as_bool());
        return json::value_to<std::string>(answer.at("description"));
    }

    static std::string text(const json::value& value) { return json::value_to<std::string>(value); }

    std::string to_chat = part("chat_id", "-1001234567890");
    bool breaks_off = false;
    asio::io_context loop;
    Stats stats;
    Audit audit{10};
    FaultMatcher faults;
    // What is sent here is no media, and is to be taken for it.
    BotApi api{{.looking = Looking::off}, stats, audit, faults};
};

TEST_F(BotApiTest, SaysWhoTheBotIs) {
    const auto me = call("getMe", "");
    EXPECT_EQ(me.at("id"), 111);
    EXPECT_TRUE(me.at("is_bot").as_bool());
}

TEST_F(BotApiTest, TakesMethodNamesInAnyCase) {
    EXPECT_EQ(call("GETme", "").at("id"), 111);
}

TEST_F(BotApiTest, RefusesUnknownMethodsAndTokens) {
    EXPECT_EQ(refusal("sendLove", "", 404), "Not Found: method not found");
    EXPECT_EQ(refusal("", "", 404), "Not Found: method not found");
    EXPECT_EQ(refusal("getMe", "", 404, "malformed"), "Not Found");
}

TEST_F(BotApiTest, RefusesBotsThatAreNotListed) {
    BotApiOptions options;
    options.bots = BotList{{other_token, Bot{.id = 222, .username = "other"}}};
    BotApi strict{std::move(options), stats, audit, faults};
    test::Asked asked{"GET", "/bot" + token + "/getMe"};
    const auto response = prewarm::test::run_to_end(loop, strict.answer(asked.request));
    EXPECT_EQ(response.status, 401U);
    EXPECT_THAT(std::get<std::string>(response.body), HasSubstr(R"("description":"Unauthorized")"));
}

struct Sending {
    const char* method;
    const char* field;
    const char* file_name;
};

class EveryKind : public BotApiTest, public testing::WithParamInterface<Sending> {};

TEST_P(EveryKind, IsPostedUnderItsKeyAndSentAgainByItsFileId) {
    const auto& [method, field, file_name] = GetParam();
    const auto message = call(method, to_chat + part(field, "content", file_name));
    EXPECT_EQ(message.at("chat").at("type"), "channel");
    const auto& media = message.at(field);
    const auto& file = media.is_array() ? media.as_array().back() : media;

    const auto again = call(method, to_chat + part(field, text(file.at("file_id"))));
    const auto& media_again = again.at(field);
    const auto& file_again = media_again.is_array() ? media_again.as_array().back() : media_again;
    EXPECT_EQ(file_again.at("file_unique_id"), file.at("file_unique_id"));
    EXPECT_EQ(again.at("message_id").as_int64(), message.at("message_id").as_int64() + 1);
}

TEST_P(EveryKind, IsMissedByItsName) {
    const auto& [method, field, file_name] = GetParam();
    EXPECT_THAT(refusal(method, to_chat), testing::StartsWith("Bad Request: there is no "));
}

INSTANTIATE_TEST_SUITE_P(All, EveryKind,
                         testing::Values(Sending{"sendPhoto", "photo", "a.jpg"},
                                         Sending{"sendVideo", "video", "a.mp4"},
                                         Sending{"sendAnimation", "animation", "a.mp4"},
                                         Sending{"sendAudio", "audio", "a.mp3"},
                                         Sending{"sendVoice", "voice", "a.ogg"},
                                         Sending{"sendVideoNote", "video_note", "a.mp4"},
                                         Sending{"sendDocument", "document", "a.pdf"},
                                         Sending{"sendSticker", "sticker", "a.webp"}),
                         [](const auto& one) { return std::string{one.param.method}; });

TEST_F(BotApiTest, WritesAThumbnailsIdBeforeTheMainOne) {
    const auto response = ask("sendVideo", to_chat + part("video", "content", "a.mp4"));
    const auto body = std::get<std::string>(response.body);
    const auto answer = json::parse(body);
    const auto& video = answer.at("result").at("video");
    const auto main_id = text(video.at("file_id"));
    EXPECT_NE(text(video.at("thumbnail").at("file_id")), main_id);
    EXPECT_EQ(video.at("thumbnail"), video.at("thumb"));
    EXPECT_LT(body.find("file_id"), body.find(main_id) - 20);
    EXPECT_EQ(
        refusal("sendVideo", to_chat + part("video", text(video.at("thumbnail").at("file_id")))),
        "Bad Request: can't use file of type Thumbnail as video");
}

TEST_F(BotApiTest, WritesAnAnimationBesideADocument) {
    const auto message = call("sendAnimation", to_chat + part("animation", "content", "a.mp4"));
    EXPECT_EQ(message.at("animation").at("file_id"), message.at("document").at("file_id"));
}

TEST_F(BotApiTest, GivesAPhotoAscendingSizesThatAllSendIt) {
    const auto message = call("sendPhoto", to_chat + part("photo", "content", "a.jpg"));
    std::int64_t width = 0;
    for (const auto& size : message.at("photo").as_array()) {
        EXPECT_GT(size.at("width").as_int64(), width);
        width = size.at("width").as_int64();
        call("sendPhoto", to_chat + part("photo", text(size.at("file_id"))));
    }
}

TEST_F(BotApiTest, TakesAnAttachedFileAndAnyOrderOfParts) {
    const auto message = call(
        "sendDocument", part("x", "content", "a.pdf") + part("document", "attach://x") + to_chat);
    EXPECT_EQ(message.at("document").at("file_name"), "a.pdf");
}

TEST_F(BotApiTest, MissesAFileThatIsNotAttached) {
    EXPECT_EQ(refusal("sendPhoto", to_chat + part("photo", "attach://x")),
              "Bad Request: there is no photo in the request");
}

TEST_F(BotApiTest, LetsTextWinOverAFileOfItsName) {
    EXPECT_THAT(
        refusal("sendPhoto", to_chat + part("photo", "content", "a.jpg") + part("photo", "text")),
        HasSubstr("wrong remote file identifier specified"));
}

TEST_F(BotApiTest, TakesBytesThatLostTheirFileNameForAFileId) {
    EXPECT_THAT(refusal("sendPhoto", to_chat + part("photo", "\xFF\xD8JPEG")),
                HasSubstr("wrong remote file identifier specified"));
}

TEST_F(BotApiTest, FetchesNothingFromElsewhere) {
    for (const auto* const url : {"https://example.org/a.jpg", "http://192.0.2.1/a.jpg"})
        EXPECT_EQ(refusal("sendPhoto", to_chat + part("photo", url)),
                  "Bad Request: failed to get HTTP URL content");
    EXPECT_EQ(refusal("sendPhoto", to_chat + part("photo", "ftp://127.0.0.1/a.jpg")),
              "Bad Request: invalid file HTTP URL specified: Unsupported URL protocol");
    EXPECT_THAT(refusal("sendPhoto", to_chat + part("photo", "a.jpg")),
                HasSubstr("invalid file HTTP URL specified"));
}

TEST_F(BotApiTest, RefusesAnotherBotsFileId) {
    const auto message = call("sendVideo", to_chat + part("video", "content", "a.mp4"));
    EXPECT_EQ(refusal("sendVideo", to_chat + part("video", text(message.at("video").at("file_id"))),
                      400, other_token),
              "Bad Request: wrong file identifier/HTTP URL specified");
}

TEST_F(BotApiTest, KeepsAFilesKindWhateverTheMethodButNotAsAPhoto) {
    const auto message = call("sendVideo", to_chat + part("video", "content", "a.mp4"));
    const auto file_id = text(message.at("video").at("file_id"));
    EXPECT_TRUE(
        call("sendDocument", to_chat + part("document", file_id)).as_object().contains("video"));
    EXPECT_EQ(refusal("sendPhoto", to_chat + part("photo", file_id)),
              "Bad Request: can't use file of type video as photo");
}

TEST_F(BotApiTest, ForwardsWithAnIdOfTheForwardersOwn) {
    const auto message = call("sendVideo", to_chat + part("video", "content", "a.mp4"));
    const auto forwarded =
        call("forwardMessage",
             part("chat_id", "7") + part("from_chat_id", "-1001234567890") +
                 part("message_id", std::to_string(message.at("message_id").as_int64())),
             other_token);
    const auto& video = forwarded.at("video");
    EXPECT_NE(video.at("file_id"), message.at("video").at("file_id"));
    EXPECT_EQ(video.at("file_unique_id"), message.at("video").at("file_unique_id"));
    call("sendVideo", part("chat_id", "7") + part("video", text(video.at("file_id"))), other_token);
}

TEST_F(BotApiTest, ForwardsNothingProtectedOrDeleted) {
    call("sendVideo",
         to_chat + part("video", "content", "a.mp4") + part("protect_content", "true"));
    const auto forward =
        part("chat_id", "7") + part("from_chat_id", "-1001234567890") + part("message_id", "1");
    EXPECT_EQ(refusal("forwardMessage", forward), "Bad Request: the message can't be forwarded");
    EXPECT_TRUE(call("deleteMessage", to_chat + part("message_id", "1")).as_bool());
    EXPECT_EQ(refusal("forwardMessage", forward), "Bad Request: message to forward not found");
}

TEST_F(BotApiTest, DeletesAMessageOnceAndByItsAuthorOnly) {
    call("sendVideo", to_chat + part("video", "content", "a.mp4"));
    const auto message = to_chat + part("message_id", "1");
    EXPECT_EQ(refusal("deleteMessage", message, 400, other_token),
              "Bad Request: message can't be deleted");
    EXPECT_TRUE(call("deleteMessage", message).as_bool());
    EXPECT_EQ(refusal("deleteMessage", message), "Bad Request: message to delete not found");
}

TEST_F(BotApiTest, TellsAFilesPathAndSize) {
    const auto message = call("sendVideo", to_chat + part("video", "content", "a.mp4"));
    const auto file = call("getFile", part("file_id", text(message.at("video").at("file_id"))));
    EXPECT_EQ(file.at("file_size"), 7);
    EXPECT_THAT(text(file.at("file_path")), testing::StartsWith("videos/"));
    EXPECT_EQ(refusal("getFile", part("file_id", "x")),
              "Bad Request: wrong file_id or the file is temporarily unavailable");
}

TEST_F(BotApiTest, RefusesRequestsWithoutAGoodChat) {
    const auto photo = part("photo", "content", "a.jpg");
    EXPECT_EQ(refusal("sendPhoto", photo), "Bad Request: chat_id is empty");
    EXPECT_EQ(refusal("sendPhoto", photo + part("chat_id", "0")), "Bad Request: chat not found");
    EXPECT_EQ(refusal("sendPhoto", photo + part("chat_id", "@a")), "Bad Request: chat not found");
}

TEST_F(BotApiTest, RefusesCaptionsThatAreTooLongOrNoText) {
    const auto photo = to_chat + part("photo", "content", "a.jpg");
    EXPECT_EQ(call("sendPhoto", photo + part("caption", std::string(1024, 'a'))).at("caption"),
              json::value(std::string(1024, 'a')));
    EXPECT_EQ(refusal("sendPhoto", photo + part("caption", std::string(1025, 'a'))),
              "Bad Request: message caption is too long");
    EXPECT_EQ(refusal("sendPhoto", photo + part("caption", "\xFF")),
              "Bad Request: strings must be encoded in UTF-8");
}

TEST_F(BotApiTest, RefusesTooLargeABodyAsItsProxyDoes) {
    BotApiOptions options;
    options.limits.body_bytes = 100;
    BotApi small{std::move(options), stats, audit, faults};
    test::Asked asked{"POST", "/bot" + token + "/sendPhoto"};
    asked.add_header("Content-Type", "multipart/form-data; boundary=X");
    asked.body.text = std::string(101, 'x');
    const auto response = prewarm::test::run_to_end(loop, small.answer(asked.request));
    EXPECT_EQ(response.status, 413U);
    EXPECT_TRUE(response.close);
    EXPECT_EQ(std::get<std::string>(response.body),
              R"({"ok":false,"error_code":413,"description":"Request Entity Too Large"})");
}

TEST_F(BotApiTest, PostsNothingOfAnUploadThatBreaksOff) {
    breaks_off = true;
    ask("sendPhoto", to_chat + part("photo", "content", "a.jpg"));
    EXPECT_EQ(audit.json_lines(), "");
    EXPECT_EQ(stats.telegram.aborted_uploads, 1U);
}

TEST_F(BotApiTest, KeepsAnAuditOfWhatWasPosted) {
    const auto message =
        call("sendVideo", to_chat + part("video", "content", "a.mp4") + part("duration", "9"));
    const auto line = json::parse(audit.json_lines());
    EXPECT_EQ(line.at("bot_id"), 111);
    EXPECT_EQ(line.at("chat_id"), -1001234567890);
    EXPECT_EQ(line.at("message_id"), message.at("message_id"));
    EXPECT_EQ(line.at("method"), "sendVideo");
    EXPECT_EQ(line.at("kind"), "video");
    EXPECT_EQ(line.at("bytes"), 7);
    EXPECT_EQ(text(line.at("sha256")), sha256_of("content").hex());
    EXPECT_EQ(line.at("declared").at("duration"), "9");
    EXPECT_EQ(line.at("file_id"), message.at("video").at("file_id"));
    EXPECT_TRUE(line.at("upload").as_bool());
}

TEST_F(BotApiTest, PostsNothingThatItRefuses) {
    refusal("sendPhoto", part("photo", "content", "a.jpg"));
    refusal("sendPhoto", to_chat + part("photo", "", "a.jpg"));
    EXPECT_EQ(audit.json_lines(), "");
    EXPECT_EQ(stats.telegram.answers.at(400), 2U);
}

TEST_F(BotApiTest, KeepsTheNewestPostingsOnly) {
    for (int i = 0; i < 12; ++i)
        call("sendVideo", to_chat + part("video", "content", "a.mp4"));
    const auto lines = audit.json_lines();
    EXPECT_EQ(std::ranges::count(lines, '\n'), 10);
    EXPECT_THAT(lines, testing::Not(HasSubstr(R"("message_id":2,)")));
}

}  // namespace
}  // namespace prewarm::sandbox
