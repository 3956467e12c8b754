#include "common/telegram/answer.hpp"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::telegram {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

http::ResponseHead answer(int status) {
    return {.status = status, .headers = {}};
}

Result<Sent> sent(std::string_view media) {
    return read_sent(answer(200),
                     R"({"ok":true,"result":{"message_id":7,"date":1,"chat":{"id":-1001234567890,)"
                     R"("type":"channel"},)" +
                         std::string{media} + "}}",
                     "sendVideo");
}

void expect_sent(std::string_view media, MediaKind kind, std::string_view file_id) {
    const auto read = sent(media);
    ASSERT_TRUE(read) << media << ": " << read.error().detail;
    EXPECT_EQ(read->actual_kind, kind) << media;
    EXPECT_EQ(read->file_id, file_id) << media;
    EXPECT_EQ(read->file_unique_id, "u");
    EXPECT_EQ(read->chat_id, -1001234567890);
    EXPECT_EQ(read->message_id, 7);
}

TEST(SentAnswer, HoldsTheFileIdUnderItsKindsKey) {
    const auto plain = [](std::string_view key) {
        return '"' + std::string{key} + R"(":{"file_id":"F","file_unique_id":"u","file_size":3})";
    };
    expect_sent(plain("video"), MediaKind::video, "F");
    expect_sent(plain("audio"), MediaKind::audio, "F");
    expect_sent(plain("voice"), MediaKind::voice, "F");
    expect_sent(plain("video_note"), MediaKind::video_note, "F");
    expect_sent(plain("document"), MediaKind::document, "F");
    expect_sent(plain("sticker"), MediaKind::sticker, "F");
}

TEST(SentAnswer, HoldsThumbnailsThatAreNotTheVideo) {
    expect_sent(R"("video":{"thumbnail":{"file_id":"T","file_unique_id":"t"},)"
                R"("thumb":{"file_id":"T","file_unique_id":"t"},"cover":[{"file_id":"C"}],)"
                R"("qualities":[{"file_id":"Q"}],"file_id":"V","file_unique_id":"u"})",
                MediaKind::video, "V");
}

TEST(SentAnswer, HoldsAnAnimationBesideADocument) {
    expect_sent(R"("document":{"file_id":"D","file_unique_id":"d"},)"
                R"("animation":{"file_id":"A","file_unique_id":"u"})",
                MediaKind::animation, "A");
}

TEST(SentAnswer, HoldsAPhotoInSizesTheLastOfWhichIsTheLargest) {
    expect_sent(R"("photo":[{"file_id":"S","file_unique_id":"s","width":90},)"
                R"({"file_id":"L","file_unique_id":"u","width":800}])",
                MediaKind::photo, "L");
}

TEST(SentAnswer, IsNotAskedForAgainWhenItHoldsNoFileId) {
    for (const auto* media :
         {R"("text":"hello")", R"("photo":[])", R"("video":{"file_unique_id":"u"})",
          R"("video":{"file_id":5})", R"("video":null)"}) {
        const auto read = sent(media);
        ASSERT_FALSE(read) << media;
        EXPECT_EQ(read.error().kind, FailureKind::refused) << media;
    }
}

Failure failure(int status, std::string_view body) {
    const auto read = read_sent(answer(status), body, "sendPhoto");
    return read ? Failure{FailureKind::refused, "no failure"} : read.error();
}

/// `{"ok":false}` with the status as its code.
Failure error(int code, std::string_view description) {
    return failure(code, R"({"ok":false,"error_code":)" + std::to_string(code) +
                             R"(,"description":")" + std::string{description} + "\"}");
}

TEST(ErrorAnswer, SaysHowLongToWait) {
    const auto flood =
        failure(429, R"({"ok":false,"error_code":429,"description":)"
                     R"("Too Many Requests: retry after 31","parameters":{"retry_after":31}})");
    EXPECT_EQ(flood.kind, FailureKind::throttled);
    EXPECT_EQ(flood.retry_after, 31s);
    EXPECT_EQ(flood.detail, "sendPhoto: 429: Too Many Requests: retry after 31");
}

TEST(ErrorAnswer, MayHideAFloodInAnyCode) {
    for (const auto* text :
         {"Bad Request: too Many Requests: retry after 8",
          "Bad Request: failed to send message #1 with the error message \\\"Too Many Requests: "
          "RETRY AFTER 8\\\"",
          "Bad Request: FLOOD_WAIT_8", "Bad Request: FLOOD_PREMIUM_WAIT_8"}) {
        const auto flood = error(400, text);
        EXPECT_EQ(flood.kind, FailureKind::throttled) << text;
        EXPECT_EQ(flood.retry_after, 8s) << text;
    }
}

TEST(ErrorAnswer, MaySayWhenOnlyInAHeaderOrNotAtAll) {
    const http::ResponseHead head{.status = 429, .headers = {{"retry-after", "5"}}};
    const auto body = R"({"ok":false,"error_code":429,"description":"Too Many Requests"})";
    EXPECT_EQ(read_sent(head, body, "x").error().retry_after, 5s);
    EXPECT_EQ(failure(429, body).kind, FailureKind::throttled);
    EXPECT_EQ(failure(429, body).retry_after, std::nullopt);
}

TEST(ErrorAnswer, CannotMakeUsOverflow) {
    EXPECT_EQ(error(429, "retry after 99999999999999999999999").retry_after, 365 * 24h);
    EXPECT_EQ(failure(429, R"({"ok":false,"parameters":{"retry_after":9223372036854775807}})")
                  .retry_after,
              365 * 24h);
    EXPECT_EQ(error(429, "retry after -5").retry_after, std::nullopt);
}

TEST(ErrorAnswer, TellsTheFileFromTheChatFromTheBot) {
    const auto kind = [](int code, std::string_view text) { return error(code, text).kind; };
    EXPECT_EQ(kind(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"), FailureKind::refused);
    EXPECT_EQ(kind(400, "Bad Request: IMAGE_PROCESS_FAILED"), FailureKind::refused);
    EXPECT_EQ(kind(400, "Bad Request: file must be non-empty"), FailureKind::refused);
    EXPECT_EQ(kind(400, "Bad Request: file of size 9 bytes is too big for a photo; the maximum"),
              FailureKind::too_large);
    EXPECT_EQ(kind(413, "Request Entity Too Large"), FailureKind::too_large);

    EXPECT_EQ(kind(400, "Bad Request: chat not found"), FailureKind::chat_refused);
    EXPECT_EQ(kind(400, "Bad Request: not enough rights to send photos to the chat"),
              FailureKind::chat_refused);
    EXPECT_EQ(kind(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), FailureKind::chat_refused);
    EXPECT_EQ(kind(403, "Forbidden: bot was kicked from the channel chat"),
              FailureKind::chat_refused);

    EXPECT_EQ(kind(401, "Unauthorized"), FailureKind::bot_refused);
    EXPECT_EQ(kind(404, "Not Found"), FailureKind::bot_refused);
    EXPECT_EQ(kind(421, "Misdirected Request"), FailureKind::bot_refused);
    EXPECT_EQ(kind(404, "Not Found: method not found"), FailureKind::misconfigured);

    EXPECT_EQ(kind(500, "Internal Server Error: restart"), FailureKind::unavailable);
    EXPECT_EQ(kind(502, "Bad Gateway"), FailureKind::unavailable);
    EXPECT_EQ(kind(504, "Gateway Timeout"), FailureKind::outcome_unknown);
}

TEST(ErrorAnswer, TellsWhereAMigratedChatIsNow) {
    const auto moved = failure(
        400,
        R"({"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to )"
        R"(a supergroup chat","parameters":{"migrate_to_chat_id":-1009876543210}})");
    EXPECT_EQ(moved.kind, FailureKind::chat_refused);
    EXPECT_EQ(moved.chat_is_now, -1009876543210);
    EXPECT_THAT(moved.detail, HasSubstr("-1009876543210"));
}

TEST(ErrorAnswer, IsJudgedByItsStatusWhereItIsNotTheBotApis) {
    const auto html = "<html><head><title>502 Bad Gateway</title></head></html>";
    EXPECT_EQ(failure(502, html).kind, FailureKind::unavailable);
    EXPECT_EQ(failure(504, "").kind, FailureKind::outcome_unknown);
    EXPECT_EQ(failure(400, "").kind, FailureKind::transient);
    EXPECT_EQ(failure(200, "").kind, FailureKind::outcome_unknown);
    EXPECT_EQ(failure(200, "{\"ok\":tr").kind, FailureKind::outcome_unknown);
    EXPECT_EQ(failure(200, "[]").kind, FailureKind::outcome_unknown);
    EXPECT_EQ(failure(413, html).kind, FailureKind::too_large);
    EXPECT_EQ(failure(429, html).kind, FailureKind::throttled);
    EXPECT_EQ(failure(404, html).kind, FailureKind::misconfigured);
    EXPECT_EQ(failure(403, html).kind, FailureKind::misconfigured);
}

TEST(ErrorAnswer, SurvivesHostileJson) {
    std::string deep(100'000, '[');
    EXPECT_EQ(failure(200, deep).kind, FailureKind::outcome_unknown);
    EXPECT_EQ(failure(200, R"({"ok":"yes"})").kind, FailureKind::outcome_unknown);
    EXPECT_EQ(failure(200, R"({"ok":true,"result":5})").kind, FailureKind::outcome_unknown);
    EXPECT_EQ(failure(500, R"({"ok":false,"error_code":"x","description":5,"parameters":[]})").kind,
              FailureKind::unavailable);
    const auto loud = error(400, "a\\nb\\u0000" + std::string(5000, 'x'));
    EXPECT_LT(loud.detail.size(), 400U);
    EXPECT_THAT(loud.detail, Not(HasSubstr("\n")));
}

/// To three photos.
std::vector<Result<Sent>> album(int status, std::string_view body) {
    return read_album(answer(status), body, 3, "sendMediaGroup");
}

std::vector<FailureKind> album_error(int code, std::string_view description) {
    std::vector<FailureKind> kinds;
    for (const auto& one :
         album(code, R"({"ok":false,"error_code":)" + std::to_string(code) + R"(,"description":")" +
                         std::string{description} + "\"}"))
        kinds.push_back(one.error().kind);
    return kinds;
}

std::string photo_message(int id, std::string_view file_id) {
    return R"({"message_id":)" + std::to_string(id) +
           R"(,"media_group_id":"9","chat":{"id":-5},"photo":[{"file_id":"S","file_unique_id":"s"},)"
           R"({"file_id":")" +
           std::string{file_id} + R"(","file_unique_id":"u"}]})";
}

TEST(AlbumAnswer, HoldsThePhotosInTheOrderOfTheirMessages) {
    const auto read = album(200, R"({"ok":true,"result":[)" + photo_message(12, "C") + ',' +
                                     photo_message(10, "A") + ',' + photo_message(11, "B") + "]}");
    ASSERT_THAT(read, SizeIs(3));
    const std::array ids{"A", "B", "C"};
    for (std::size_t i = 0; i < ids.size(); ++i) {
        ASSERT_TRUE(read[i]) << read[i].error().detail;
        EXPECT_EQ(read[i]->file_id, ids[i]);
        EXPECT_EQ(read[i]->message_id, 10 + static_cast<int>(i));
        EXPECT_EQ(read[i]->chat_id, -5);
        EXPECT_EQ(read[i]->actual_kind, MediaKind::photo);
    }
}

TEST(AlbumAnswer, GivesNobodyAFileIdThatMayBeAnothers) {
    const auto photo = photo_message(10, "A");
    for (const auto& result : {"[" + photo + "]", std::string{"[]"}, photo, std::string{"5"},
                               "[5," + photo + ',' + photo_message(11, "B") + "]",
                               "[{}," + photo + ',' + photo_message(11, "B") + "]"}) {
        const auto read = album(200, R"({"ok":true,"result":)" + result + "}");
        ASSERT_THAT(read, SizeIs(3));
        for (const auto& one : read) {
            ASSERT_FALSE(one);
            EXPECT_EQ(one.error().kind, FailureKind::outcome_unknown) << result;
        }
    }
}

TEST(AlbumAnswer, BlamesTheItemThatIsNamedAndNoOther) {
    using enum FailureKind;
    EXPECT_THAT(album_error(400,
                            "Bad Request: failed to send message #2 with the error message "
                            "\\\"PHOTO_INVALID_DIMENSIONS\\\""),
                ElementsAre(way_closed, refused, way_closed));
    EXPECT_THAT(album_error(400,
                            "Bad Request: failed to send message #3 with the error message "
                            "\\\"File of size 9 bytes is too big for a photo\\\""),
                ElementsAre(way_closed, way_closed, too_large));
}

TEST(AlbumAnswer, BlamesNobodyWhereItIsNotKnownWhoIsAtFault) {
    using enum FailureKind;
    for (const auto* text :
         {"Bad Request: group send failed", "Bad Request: can't parse media JSON object",
          "Bad Request: failed to send message #4 with the error message \\\"IMAGE\\\"",
          "Bad Request: failed to send message #0 with the error message \\\"IMAGE\\\"",
          "Bad Request: failed to send message #2"})
        EXPECT_THAT(album_error(400, text), Each(way_closed)) << text;
    EXPECT_THAT(album_error(413, "Request Entity Too Large"), Each(way_closed));
}

TEST(AlbumAnswer, LeavesWhatIsWrongWithAllOfThemAsItIs) {
    using enum FailureKind;
    EXPECT_THAT(album_error(429, "Too Many Requests: retry after 8"), Each(throttled));
    EXPECT_THAT(album_error(400,
                            "Bad Request: failed to send message #1 with the error message "
                            "\\\"Too Many Requests: retry after 8\\\""),
                Each(throttled));
    EXPECT_THAT(album_error(400,
                            "Bad Request: failed to send message #1 with the error message "
                            "\\\"Not enough rights to send photos to the chat\\\""),
                Each(chat_refused));
    EXPECT_THAT(album_error(401, "Unauthorized"), Each(bot_refused));
    EXPECT_THAT(album_error(403, "Forbidden: bot was kicked"), Each(chat_refused));
    EXPECT_THAT(album_error(500, "Internal Server Error: restart"), Each(unavailable));
    for (const auto& one : album(504, "<html>"))
        EXPECT_EQ(one.error().kind, outcome_unknown);
}

TEST(IdentityAnswer, SaysWhoABotIs) {
    const auto me = read_identity(
        answer(200), R"({"ok":true,"result":{"id":123,"is_bot":true,"username":"a_bot"}})",
        "getMe");
    ASSERT_TRUE(me);
    EXPECT_EQ(me->id, 123);
    EXPECT_EQ(me->username, "a_bot");
    const auto nobody = read_identity(
        answer(401), R"({"ok":false,"error_code":401,"description":"Unauthorized"})", "getMe");
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().kind, FailureKind::bot_refused);
}

TEST(Failure, QuotesNoAddress) {
    const auto url = "https://account.r2.example/b/k?X-Amz-Signature=" + std::string(400, 'a');
    const auto refused =
        failure(400, R"({"ok":false,"error_code":400,"description":"Bad Request: invalid URL \")" +
                         url + R"(\" specified"})");
    EXPECT_EQ(refused.detail.find("Amz"), std::string::npos) << refused.detail;
    EXPECT_NE(refused.detail.find("(a URL)\" specified"), std::string::npos) << refused.detail;
}

TEST(Failure, OfAMessageThatWasDeletedAtOnceIsUnknown) {
    EXPECT_EQ(error(500, "sent message was immediately deleted and can't be returned").kind,
              FailureKind::outcome_unknown);
}

}  // namespace
}  // namespace prewarm::telegram
