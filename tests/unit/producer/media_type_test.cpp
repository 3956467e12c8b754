#include "producer/media_type.hpp"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "producer/local_file.hpp"

namespace prewarm::producer {
namespace {

using namespace std::string_literals;

struct Sample {
    std::string file;
    std::string mime_type;
    MediaKind kind;
};

class SampleTest : public testing::TestWithParam<Sample> {};

TEST_P(SampleTest, IsKnownByItsContent) {
    const auto examined = examine(std::filesystem::path{PREWARM_SAMPLES} / GetParam().file);
    ASSERT_TRUE(examined) << examined.error().detail;
    EXPECT_EQ(examined->mime_type, GetParam().mime_type);
    EXPECT_EQ(name_of(examined->kind), name_of(GetParam().kind));
}

INSTANTIATE_TEST_SUITE_P(
    Samples, SampleTest,
    testing::Values(Sample{"photo.jpg", "image/jpeg", MediaKind::photo},
                    Sample{"sticker.webp", "image/webp", MediaKind::sticker},
                    Sample{"video.mp4", "video/mp4", MediaKind::video},
                    Sample{"animation.mp4", "video/mp4", MediaKind::video},
                    Sample{"video_note.mp4", "video/mp4", MediaKind::video},
                    Sample{"audio.mp3", "audio/mpeg", MediaKind::audio},
                    Sample{"voice.ogg", "audio/ogg", MediaKind::voice},
                    Sample{"document.pdf", "application/pdf", MediaKind::document}),
    [](const auto& test) { return test.param.file.substr(0, test.param.file.find('.')); });

MediaKind kind(const std::string& mime_type, std::uint64_t bytes = 1000,
               const std::string& head = "") {
    return kind_of({.mime_type = mime_type, .bytes = bytes, .head = head});
}

/// A still WebP picture's header, of sides up to 256 pixels more than given.
std::string webp(std::uint32_t width, std::uint32_t height, bool animated = false) {
    const auto three_bytes = [](std::uint32_t side) {
        return std::string{static_cast<char>((side - 1) & 0xffU),
                           static_cast<char>((side - 1) >> 8U), '\0'};
    };
    return "RIFF\x64\0\0\0WEBPVP8X\x0a\0\0\0"s + (animated ? '\x02' : '\0') + "\0\0\0"s +
           three_bytes(width) + three_bytes(height);
}

TEST(MediaType, OfPicturesIsPhoto) {
    EXPECT_EQ(kind("image/jpeg"), MediaKind::photo);
    EXPECT_EQ(kind("image/png"), MediaKind::photo);
    EXPECT_EQ(kind("image/gif"), MediaKind::animation);
    EXPECT_EQ(kind("image/tiff"), MediaKind::document);
}

TEST(MediaType, OfPicturesThatTelegramTakesNotAsPhotoIsDocument) {
    EXPECT_EQ(kind("image/jpeg", 10'485'760), MediaKind::photo);
    EXPECT_EQ(kind("image/jpeg", 10'485'761), MediaKind::document);
    EXPECT_EQ(kind("image/webp", 10'485'761, webp(800, 600)), MediaKind::document);
}

TEST(MediaType, OfWebpDependsOnItsSides) {
    EXPECT_EQ(kind("image/webp", 1000, webp(512, 300)), MediaKind::sticker);
    EXPECT_EQ(kind("image/webp", 1000, webp(300, 512)), MediaKind::sticker);
    EXPECT_EQ(kind("image/webp", 1000, webp(512, 513)), MediaKind::photo);
    EXPECT_EQ(kind("image/webp", 1000, webp(511, 300)), MediaKind::photo);
    EXPECT_EQ(kind("image/webp", 512 * 1024, webp(512, 512)), MediaKind::sticker);
    EXPECT_EQ(kind("image/webp", 512 * 1024 + 1, webp(512, 512)), MediaKind::photo);
}

TEST(MediaType, OfWebpThatMovesOrCannotBeReadIsDocument) {
    EXPECT_EQ(kind("image/webp", 1000, webp(512, 512, true)), MediaKind::document);
    EXPECT_EQ(kind("image/webp", 1000, "RIFF"), MediaKind::document);
}

TEST(MediaType, OfSoundDependsOnItsCodec) {
    const auto ogg = [](const std::string& codec) {
        return "OggS"s + std::string(23, '\0') + "\x13"s + codec + std::string(20, '\0');
    };
    EXPECT_EQ(kind("audio/ogg", 1000, ogg("OpusHead")), MediaKind::voice);
    EXPECT_EQ(kind("audio/ogg", 1000, ogg("\x01vorbis")), MediaKind::document);
    EXPECT_EQ(kind("audio/x-m4a"), MediaKind::audio);
    EXPECT_EQ(kind("audio/mp4"), MediaKind::audio);
    EXPECT_EQ(kind("audio/flac"), MediaKind::document);
}

}  // namespace
}  // namespace prewarm::producer
