#include "sandbox/telegram/take_upload.hpp"

#include <gtest/gtest.h>

namespace prewarm::sandbox {
namespace {

constexpr std::uint64_t small = 1000;
constexpr std::uint64_t large = analysed_bytes;

SentFile sent(std::uint64_t bytes, std::string file_name = "a.mp4") {
    return {.field = "video", .file_name = std::move(file_name), .bytes = bytes, .sha256 = {}};
}

Form declaring(std::vector<std::pair<std::string, std::string>> parameters) {
    return {.parameters = std::move(parameters), .files = {}};
}

/// Of a Telegram that takes files for what they are said to be; drift_test.cpp has the other.
ApiResult<StoredFile> take(const Form& form, MediaKind kind, const SentFile& file) {
    return take_upload(form, kind, file, Looking::off);
}

std::string refusal(const Form& form, MediaKind kind, const SentFile& file) {
    const auto stored = take(form, kind, file);
    return stored ? "stored" : stored.error().description;
}

TEST(TakeUpload, KeepsWhatIsDeclaredOfALargeVideo) {
    auto form = declaring({{"width", "1920"}, {"height", "1080"}, {"duration", "77"}});
    form.files.push_back({.field = "thumbnail", .file_name = "t.jpg", .bytes = 900, .sha256 = {}});
    const auto stored = take(form, MediaKind::video, sent(large));
    EXPECT_EQ(stored->width, 1920U);
    EXPECT_EQ(stored->height, 1080U);
    EXPECT_EQ(stored->duration_seconds, 77U);
    EXPECT_EQ(stored->thumbnail_bytes, 900U);
}

TEST(TakeUpload, MakesALargeVideoOfWhichNothingIsDeclared320By320) {
    const auto stored = take(declaring({}), MediaKind::video, sent(large));
    EXPECT_EQ(stored->width, 320U);
    EXPECT_EQ(stored->height, 320U);
    EXPECT_EQ(stored->duration_seconds, 0U);
    EXPECT_EQ(stored->thumbnail_bytes, 0U);
}

TEST(TakeUpload, LooksIntoASmallVideo) {
    const auto stored = take(declaring({}), MediaKind::video, sent(small));
    EXPECT_GT(stored->width, 320U);
    EXPECT_GT(stored->duration_seconds, 0U);
    EXPECT_GT(stored->thumbnail_bytes, 0U);
}

TEST(TakeUpload, TakesAThumbnailByAttachAndByItsOldName) {
    auto form = declaring({{"thumb", "attach://t"}});
    form.files.push_back({.field = "t", .file_name = "t.jpg", .bytes = 900, .sha256 = {}});
    EXPECT_EQ(take(form, MediaKind::video, sent(large))->thumbnail_bytes, 900U);
}

TEST(TakeUpload, BoundsWhatIsDeclared) {
    const auto stored = take(declaring({{"width", "20000"}, {"height", "-1"}, {"duration", "x"}}),
                             MediaKind::video, sent(large));
    EXPECT_EQ(stored->width, 320U);
    EXPECT_EQ(stored->duration_seconds, 0U);
}

TEST(TakeUpload, RefusesAnEmptyFile) {
    EXPECT_EQ(refusal({}, MediaKind::document, sent(0)), "Bad Request: file must be non-empty");
}

TEST(TakeUpload, RefusesAPhotoAByteTooLarge) {
    EXPECT_EQ(refusal({}, MediaKind::photo, sent(10'485'760)), "stored");
    EXPECT_EQ(refusal({}, MediaKind::photo, sent(10'485'761)),
              "Bad Request: file of size 10485761 bytes is too big for a photo; the maximum size "
              "is 10485760 bytes");
}

TEST(TakeUpload, RefusesAThumbnailTooLarge) {
    Form form;
    form.files.push_back({.field = "thumbnail", .file_name = "t", .bytes = 204'800, .sha256 = {}});
    EXPECT_NE(refusal(form, MediaKind::video, sent(small)), "stored");
    form.files.back().bytes = 204'799;
    EXPECT_EQ(refusal(form, MediaKind::video, sent(small)), "stored");
}

TEST(TakeUpload, MakesAVideoNoteSquare) {
    const auto stored = take(declaring({{"length", "240"}}), MediaKind::video_note, sent(small));
    EXPECT_EQ(stored->width, 240U);
    EXPECT_EQ(take({}, MediaKind::video_note, sent(small))->width, 384U);
    EXPECT_EQ(refusal(declaring({{"length", "641"}}), MediaKind::video_note, sent(small)),
              "Bad Request: wrong video note length");
}

TEST(TakeUpload, KeepsTheTitleOfAnAudio) {
    const auto stored = take(declaring({{"title", "T"}, {"performer", "P"}}), MediaKind::audio,
                             sent(small, "a.mp3"));
    EXPECT_EQ(stored->title, "T");
    EXPECT_EQ(stored->performer, "P");
    EXPECT_NE(refusal(declaring({{"title", "\xFF"}}), MediaKind::audio, sent(small)), "stored");
}

}  // namespace
}  // namespace prewarm::sandbox
