#include "sandbox/telegram/drift.hpp"

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
using testing::ElementsAre;

const std::string token = "111:" + std::string(35, 'A');
constexpr std::array kind_keys{"animation", "audio", "document",   "photo",
                               "sticker",   "video", "video_note", "voice"};

/// A Telegram that looks into what it is sent.
class DriftTest : public testing::Test {
protected:
    json::value send(const std::string& kind, const std::string& content,
                     const std::string& file_name, const std::string& more = "") {
        auto method = "send" + kind;
        std::erase(method, '_');
        test::Asked asked{"POST", "/bot" + token + "/" + method};
        asked.add_header("Content-Type", "multipart/form-data; boundary=X");
        asked.body.piece_bytes = 1000;
        asked.body.text =
            part("chat_id", "5") + more + part(kind, content, file_name) + "--X--\r\n";
        const auto response = prewarm::test::run_to_end(loop, api.answer(asked.request));
        return json::parse(std::get<std::string>(response.body));
    }

    std::string refusal(const std::string& content, const std::string& file_name) {
        const auto answer = send("photo", content, file_name);
        const auto* const description = answer.as_object().if_contains("description");
        return description == nullptr ? "posted" : json::value_to<std::string>(*description);
    }

    asio::io_context loop;
    Stats stats;
    Audit audit{10};
    FaultMatcher faults;
    BotApi api{{.rates = {.chat_per_second = 0}}, stats, audit, faults};
};

struct Row {
    std::string name;
    std::string kind;  ///< Of the method.
    std::string content;
    std::string file_name;
    std::vector<std::string> keys;  ///< Of the message, that hold media.
    bool detection_is_off = false;
};

class DriftRow : public DriftTest, public testing::WithParamInterface<Row> {};

TEST_P(DriftRow, ComesBackAsTelegramHasIt) {
    const auto& row = GetParam();
    const auto answer =
        send(row.kind, row.content, row.file_name,
             row.detection_is_off ? part("disable_content_type_detection", "true") : "");
    std::vector<std::string> keys;
    for (const auto* const key : kind_keys) {
        const auto* const result = answer.as_object().if_contains("result");
        if (result != nullptr && result->as_object().contains(key)) keys.emplace_back(key);
    }
    EXPECT_EQ(keys, row.keys) << answer;
}

const auto silent = test::mp4({});
const auto sounding = test::mp4({.has_sound = true});
const auto square = test::mp4({.has_sound = true, .width = 240, .height = 240});
const auto long_square = test::mp4({.has_sound = true, .width = 240, .height = 240, .seconds = 61});
const auto large_square = test::mp4({.has_sound = true, .width = 641, .height = 641});
const auto m4a = test::mp4({.has_picture = false, .has_sound = true});
const auto unseen = std::string(10ULL * 1024 * 1024, '\0');  // With it a file is not looked into.
const std::string pdf = "%PDF-1.4 and so on";
const std::string tgs = "\x1F\x8B and so on";

INSTANTIATE_TEST_SUITE_P(
    Kinds, DriftRow,
    testing::Values(
        Row{"AVideoWithSound", "video", sounding, "a.mp4", {"video"}},
        Row{"AVideoWithoutSound", "video", silent, "a.mp4", {"video"}},
        Row{"AVideoInMatroska", "video", test::matroska(), "a.mkv", {"document"}},
        Row{"AVideoInQuickTime", "video", test::mp4({.brand = "qt  "}), "a.mov", {"document"}},
        Row{"ALargeVideoInMatroska", "video", test::matroska() + unseen, "a.mkv", {"video"}},
        Row{"AnAnimationWithoutSound", "animation", silent, "a.mp4", {"animation", "document"}},
        Row{"AnAnimationWithSound", "animation", sounding, "a.mp4", {"video"}},
        Row{"AnAnimationWithoutExtension", "animation", silent, "a", {"document"}},
        Row{"AnAnimatedGif", "animation", test::gif(), "a.gif", {"animation", "document"}},
        Row{"ADocumentOfSilentVideo", "document", silent, "a.mp4", {"animation", "document"}},
        Row{"ADocumentOfVideo", "document", sounding, "a.mp4", {"video"}},
        Row{"ADocumentOfVideoWithoutExtension", "document", sounding, "a", {"document"}},
        Row{"ADocumentOfGif", "document", test::gif(), "a.gif", {"animation", "document"}},
        Row{"ADocumentOfWebp", "document", test::webp(512), "a.webp", {"sticker"}},
        Row{"ADocumentOfTgs", "document", tgs, "a.tgs", {"sticker"}},
        Row{"ADocumentOfMp3", "document", test::mp3(), "a.mp3", {"audio"}},
        Row{"ADocumentOfM4a", "document", m4a, "a.m4a", {"audio"}},
        Row{"ADocumentOfPdf", "document", pdf, "a.pdf", {"document"}},
        Row{"ADocumentOfJpeg", "document", test::jpeg(9, 9), "a.jpg", {"document"}},
        Row{"AForcedDocumentOfVideo", "document", sounding, "a.mp4", {"document"}, true},
        Row{"AForcedDocumentOfGif", "document", test::gif(), "a.gif", {"document"}, true},
        Row{"AForcedDocumentOfWebp", "document", test::webp(512), "a.webp", {"document"}, true},
        Row{"AForcedDocumentOfMp3", "document", test::mp3(), "a.mp3", {"document"}, true},
        Row{"AnAudioInMp3", "audio", test::mp3(), "a.mp3", {"audio"}},
        Row{"AnAudioInM4a", "audio", m4a, "a.m4a", {"audio"}},
        Row{"AnAudioInOpus", "audio", test::ogg("OpusHead"), "a.ogg", {"voice"}},
        Row{"ALargeAudioInOpus", "audio", test::ogg("OpusHead") + unseen, "a.ogg", {"audio"}},
        Row{"AnAudioInFlac", "audio", "fLaC and so on", "a.flac", {"audio"}},
        Row{"AnAudioInWav", "audio", "RIFFxxxxWAVEfmt ", "a.wav", {"document"}},
        Row{"AVoiceInOpus", "voice", test::ogg("OpusHead"), "a.ogg", {"voice"}},
        Row{"AVoiceInMp3", "voice", test::mp3(), "a.mp3", {"voice"}},
        Row{"AVoiceInVorbis", "voice", test::ogg("\x01vorbis"), "a.ogg", {"audio"}},
        Row{"AVoiceInFlac", "voice", "fLaC and so on", "a.flac", {"audio"}},
        Row{"AVoiceInWav", "voice", "RIFFxxxxWAVEfmt ", "a.wav", {"document"}},
        Row{"ASquareVideoNote", "video_note", square, "a.mp4", {"video_note"}},
        Row{"AVideoNoteThatIsNotSquare", "video_note", sounding, "a.mp4", {"video"}},
        Row{"AVideoNoteThatIsTooLong", "video_note", long_square, "a.mp4", {"video"}},
        Row{"AVideoNoteThatIsTooLarge", "video_note", large_square, "a.mp4", {"video"}},
        Row{"ALargeVideoNoteThatIsNotSquare",
            "video_note",
            sounding + unseen,
            "a.mp4",
            {"video_note"}},
        Row{"AStickerInWebp", "sticker", test::webp(512), "a.webp", {"sticker"}},
        Row{"AStickerInTgs", "sticker", tgs, "a.tgs", {"sticker"}},
        Row{"AStickerInWebm", "sticker", test::matroska(), "a.webm", {"document"}},
        Row{"APhotoInGif", "photo", test::gif(), "a.gif", {"photo"}},
        Row{"APhotoInPng", "photo", test::png(9, 9), "a.png", {"photo"}}),
    [](const auto& row) { return row.param.name; });

TEST_F(DriftTest, MakesAnMp4OfAGif) {
    const auto animation = send("document", test::gif(), "cat.gif").at("result").at("animation");
    EXPECT_EQ(animation.at("file_name"), "cat.gif.mp4");
    EXPECT_EQ(animation.at("mime_type"), "video/mp4");
    EXPECT_NE(animation.at("file_size").to_number<std::size_t>(), test::gif().size());
    EXPECT_EQ(animation.at("width"), 40);
    EXPECT_EQ(animation.at("height"), 30);
}

TEST_F(DriftTest, FindsOutASmallVideosMeasures) {
    const auto video = send("video", test::mp4({.seconds = 9}), "a.mp4").at("result").at("video");
    EXPECT_EQ(video.at("width"), 320);
    EXPECT_EQ(video.at("height"), 240);
    EXPECT_EQ(video.at("duration"), 9);
}

TEST_F(DriftTest, RefusesPhotosThatAreNone) {
    EXPECT_EQ(refusal(pdf, "a.jpg"), "Bad Request: IMAGE_PROCESS_FAILED");
    EXPECT_EQ(refusal(test::jpeg(9, 9), "a.webp"),
              "Bad Request: photo has unsupported extension. Use one of .jpg, .jpeg, .gif, .png, "
              ".tif or .bmp");
}

TEST_F(DriftTest, RefusesPhotosOutOfProportion) {
    const std::string refused = "Bad Request: PHOTO_INVALID_DIMENSIONS";
    EXPECT_EQ(refusal(test::jpeg(5000, 5000), "a.jpg"), "posted");
    EXPECT_EQ(refusal(test::jpeg(5000, 5001), "a.jpg"), refused);
    EXPECT_EQ(refusal(test::png(20, 400), "a.png"), "posted");
    EXPECT_EQ(refusal(test::png(401, 20), "a.png"), refused);
}

struct Fetched {
    std::string name;
    MediaKind asked;
    std::string content;
    std::string mime_type;
    std::optional<MediaKind> kind;
    std::uint64_t bytes = 1000;
};

class DriftByUrl : public testing::TestWithParam<Fetched> {};

TEST_P(DriftByUrl, GoesByWhatTheServerSaysAndNotByTheMethod) {
    const auto& row = GetParam();
    ContentReader reader;
    reader.feed(row.content);
    EXPECT_EQ(kind_of_fetched(row.asked, {reader.content(), row.mime_type, row.bytes}), row.kind);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, DriftByUrl,
    testing::Values(
        Fetched{"ASilentVideo", MediaKind::video, silent, "video/mp4", MediaKind::animation},
        Fetched{"AVideoAsADocument", MediaKind::document, sounding, "video/mp4", MediaKind::video},
        Fetched{"AJpegAsASticker", MediaKind::sticker, test::jpeg(9, 9), "image/jpeg",
                MediaKind::document},
        Fetched{"APhoto", MediaKind::photo, test::jpeg(9, 9), "image/jpeg", MediaKind::photo},
        Fetched{"APdfAsAPhoto", MediaKind::photo, pdf, "application/pdf", std::nullopt},
        Fetched{"APdf", MediaKind::document, pdf, "application/pdf", MediaKind::document},
        Fetched{"AVideoOfNoType", MediaKind::video, sounding, "application/octet-stream",
                std::nullopt},
        Fetched{"AVideoNote", MediaKind::video_note, square, "video/mp4", std::nullopt},
        Fetched{"AVoice", MediaKind::voice, test::ogg("OpusHead"), "audio/ogg", MediaKind::voice},
        Fetched{"ALargeVoice", MediaKind::voice, test::ogg("OpusHead"), "audio/ogg",
                MediaKind::document, 2'000'000}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace prewarm::sandbox
