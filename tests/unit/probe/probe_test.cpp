#include "common/probe/probe.hpp"

#include <cstdio>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/upload.hpp"
#include "common/probe/file_source.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/probe/memory_source.hpp"

namespace prewarm::probe {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Ge;
using testing::IsEmpty;
using testing::Le;
using testing::Not;

struct Dimensions {
    int width = 0;
    int height = 0;
    bool operator==(const Dimensions&) const = default;
};

/// As a JPEG's start-of-frame segment has them.
Dimensions dimensions_of(const std::string& jpeg) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(jpeg.at(at)); };
    EXPECT_TRUE(jpeg.starts_with("\xff\xd8"));
    EXPECT_TRUE(jpeg.ends_with("\xff\xd9"));
    for (std::size_t at = 2; byte(at) == 0xff;) {
        if (byte(at + 1) == 0xc0)
            return {byte(at + 7) << 8 | byte(at + 8), byte(at + 5) << 8 | byte(at + 6)};
        at += 2 + (std::size_t{byte(at + 2)} << 8 | byte(at + 3));
    }
    ADD_FAILURE() << "no start of frame";
    return {};
}

/// The brightness of each of its pixels, by another decoder's process.
std::string brightness_of(const std::string& jpeg) {
    const test::TemporaryFolder folder;
    const auto file = folder.file("picture.jpg", jpeg);
    const auto command =
        "ffmpeg -nostdin -v error -i " + file.string() + " -f rawvideo -pix_fmt gray -";
    std::string pixels;
    auto* const pipe = popen(command.c_str(), "r");
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
        pixels += static_cast<char>(c);
    EXPECT_EQ(pclose(pipe), 0);
    return pixels;
}

class ProbeTest : public testing::Test {
protected:
    /// Of a file that was made for this.
    Found found_in(const std::string& name) {
        return found_in_bytes(content_of(PREWARM_TEST_MEDIA "/" + name));
    }

    Found found_in_bytes(std::string bytes) {
        source.emplace(std::move(bytes));
        auto found = probe(*source, limits);
        EXPECT_TRUE(found) << found.error().detail;
        EXPECT_LE(source->read_bytes(), limits.read_bytes);
        return found ? *found : Found{};
    }

    static void expect_about(std::chrono::milliseconds duration,
                             std::chrono::milliseconds expected) {
        EXPECT_THAT(duration.count(),
                    AllOf(Ge(expected.count() * 97 / 100), Le(expected.count() * 103 / 100)));
    }

    Limits limits;
    std::optional<MemorySource> source;
};

// ---- the samples -----------------------------------------------------------------------------

TEST_F(ProbeTest, AVideoTellsItsSizeLengthAndPicture) {
    const auto found = found_in_bytes(bytes_of(test::sample_of(MediaKind::video)));
    EXPECT_EQ(found.width, 320U);
    EXPECT_EQ(found.height, 240U);
    expect_about(found.duration, 2s);
    EXPECT_TRUE(found.has_sound);
    EXPECT_EQ(dimensions_of(found.thumbnail), (Dimensions{320, 240}));
}

TEST_F(ProbeTest, AnAnimationHasNoSound) {
    const auto found = found_in_bytes(bytes_of(test::sample_of(MediaKind::animation)));
    EXPECT_EQ(found.width, 320U);
    EXPECT_FALSE(found.has_sound);
    EXPECT_THAT(found.thumbnail, Not(IsEmpty()));
}

TEST_F(ProbeTest, AnMp3TellsItsLengthAndTags) {
    const auto found = found_in_bytes(bytes_of(test::sample_of(MediaKind::audio)));
    expect_about(found.duration, 2s);
    EXPECT_TRUE(found.has_sound);
    EXPECT_EQ(found.title, "A tone");
    EXPECT_EQ(found.performer, "prewarm");
    EXPECT_EQ(found.width, 0U);
    EXPECT_EQ(found.thumbnail, "");
}

TEST_F(ProbeTest, AVoiceMessageTellsItsLength) {
    const auto found = found_in_bytes(bytes_of(test::sample_of(MediaKind::voice)));
    expect_about(found.duration, 2s);
    EXPECT_TRUE(found.has_sound);
}

TEST_F(ProbeTest, WhatIsNoContainerIsRefused) {
    for (const auto kind : {MediaKind::photo, MediaKind::document, MediaKind::sticker}) {
        MemorySource sample{bytes_of(test::sample_of(kind))};
        const auto found = probe(sample, {});
        ASSERT_FALSE(found) << name_of(kind);
        EXPECT_EQ(found.error().kind, FailureKind::refused);
    }
}

// ---- large ones ------------------------------------------------------------------------------

class LargeVideo : public ProbeTest, public testing::WithParamInterface<const char*> {};

TEST_P(LargeVideo, IsKnownByAFewPieces) {
    const auto found = found_in(GetParam());
    EXPECT_GT(source->size_bytes(), 30'000'000U);
    EXPECT_EQ(found.width, 640U);
    EXPECT_EQ(found.height, 360U);
    expect_about(found.duration, 20s);
    EXPECT_TRUE(found.has_sound);
    EXPECT_EQ(dimensions_of(found.thumbnail), (Dimensions{320, 180}));
    EXPECT_LE(found.thumbnail.size(), most_thumbnail_bytes);
    EXPECT_LT(source->read_bytes(), 600'000U);
    EXPECT_LE(source->reads.size(), 6U);
}

INSTANTIATE_TEST_SUITE_P(Index, LargeVideo, testing::Values("large.mp4", "large_index_first.mp4"),
                         [](const auto& file) {
                             return std::string_view{file.param} == "large.mp4" ? "Behind"
                                                                                : "InFront";
                         });

TEST_F(ProbeTest, TellsWhatItCouldLearnWithinItsLimit) {
    limits.read_bytes = 2 * 64 * 1024;  // The picture is behind them.
    const auto found = found_in("large.mp4");
    EXPECT_EQ(found.width, 640U);
    expect_about(found.duration, 20s);
    EXPECT_EQ(found.thumbnail, "");
}

TEST_F(ProbeTest, TakesALaterPictureIfTheFirstIsTooLargeToBeRead) {
    limits.read_bytes = 4 * 64 * 1024;
    const auto pixels = brightness_of(found_in("busy_start.mp4").thumbnail);
    ASSERT_THAT(pixels, Not(IsEmpty()));
    EXPECT_LT(*std::ranges::max_element(pixels), 40) << "black";
}

TEST_F(ProbeTest, ReadsNoPictureThatIsCutByItsLimit) {
    limits.read_bytes = 2 * 64 * 1024;
    EXPECT_EQ(found_in("large_index_first.mp4").thumbnail, "");
    EXPECT_EQ(source->reads.size(), 1U);
}

TEST_F(ProbeTest, DecodesNoPictureThatIsTooLarge) {
    limits.picture_pixels = 640 * 360 - 1;
    const auto found = found_in("large.mp4");
    EXPECT_EQ(found.width, 640U);
    EXPECT_EQ(found.thumbnail, "");
}

TEST_F(ProbeTest, EstimatesTheLengthOfAGifThatIsNotReadWhole) {
    const auto found = found_in("large.gif");
    EXPECT_EQ(found.width, 320U);
    EXPECT_EQ(found.height, 240U);
    EXPECT_THAT(found.duration.count(), AllOf(Ge(13'000), Le(19'000)));
    EXPECT_EQ(dimensions_of(found.thumbnail), (Dimensions{320, 240}));
}

TEST_F(ProbeTest, CountsAFileWholeThatCostsNothing) {
    limits.read_bytes = UINT64_MAX;
    FileSource file{PREWARM_TEST_MEDIA "/large.gif"};
    const auto found = probe(file, limits);
    ASSERT_TRUE(found) << found.error().detail;
    expect_about(found->duration, 16s);
}

// ---- as shown --------------------------------------------------------------------------------

TEST_F(ProbeTest, PixelsThatAreOblongAreMadeSquare) {
    const auto found = found_in("oblong.mp4");
    EXPECT_EQ(found.width, 128U);
    EXPECT_EQ(found.height, 48U);
    EXPECT_EQ(dimensions_of(found.thumbnail), (Dimensions{128, 48}));
}

struct Turn {
    const char* name;
    const char* file;
    Dimensions shown;
    int white_x;  ///< In which half the white quarter is: 0 left, 1 right,
    int white_y;  ///< and 0 above, 1 below.
};

class TurnedVideo : public ProbeTest, public testing::WithParamInterface<Turn> {};

TEST_P(TurnedVideo, IsDeclaredAndPicturedAsShown) {
    const auto& turn = GetParam();
    const auto found = found_in(turn.file);
    EXPECT_EQ(found.width, static_cast<unsigned>(turn.shown.width));
    EXPECT_EQ(found.height, static_cast<unsigned>(turn.shown.height));
    EXPECT_EQ(dimensions_of(found.thumbnail), turn.shown);
    const auto pixels = brightness_of(found.thumbnail);
    ASSERT_EQ(pixels.size(), static_cast<std::size_t>(turn.shown.width * turn.shown.height));
    for (const int x : {0, 1}) {
        for (const int y : {0, 1}) {
            const int column = turn.shown.width * (1 + 2 * x) / 4;
            const int line = turn.shown.height * (1 + 2 * y) / 4;
            const auto at = static_cast<std::size_t>(line * turn.shown.width + column);
            const bool is_white = static_cast<unsigned char>(pixels[at]) > 200;
            EXPECT_EQ(is_white, x == turn.white_x && y == turn.white_y) << x << ' ' << y;
        }
    }
}

// As ffmpeg, too, shows them.
INSTANTIATE_TEST_SUITE_P(Anticlockwise, TurnedVideo,
                         testing::Values(Turn{"Not", "upright.mp4", {64, 48}, 0, 0},
                                         Turn{"By90", "turned_90.mp4", {48, 64}, 0, 1},
                                         Turn{"By180", "turned_180.mp4", {64, 48}, 1, 1},
                                         Turn{"By270", "turned_270.mp4", {48, 64}, 1, 0}),
                         [](const auto& turn) { return turn.param.name; });

// ---- other containers ------------------------------------------------------------------------

class OtherVideo : public ProbeTest, public testing::WithParamInterface<const char*> {};

TEST_P(OtherVideo, IsUnderstoodLikewise) {
    const auto found = found_in(GetParam());
    EXPECT_EQ(found.width, 320U);
    EXPECT_EQ(found.height, 240U);
    EXPECT_EQ(dimensions_of(found.thumbnail), (Dimensions{320, 240}));
    expect_about(found.duration, 2s);
}

INSTANTIATE_TEST_SUITE_P(Formats, OtherVideo,
                         testing::Values("video.webm", "video.mkv", "small.gif"),
                         [](const auto& file) {
                             const std::string_view name{file.param};
                             return std::string{name.substr(name.find('.') + 1)};
                         });

TEST_F(ProbeTest, AFragmentedVideoTellsAtLeastItsSize) {
    const auto found = found_in("fragmented.mp4");
    EXPECT_EQ(found.width, 320U);
    EXPECT_THAT(found.thumbnail, Not(IsEmpty()));
}

TEST_F(ProbeTest, OpensNoOtherFormats) {
    MemorySource stream{content_of(PREWARM_TEST_MEDIA "/stream.ts")};
    EXPECT_FALSE(probe(stream, {}));
    MemorySource playlist{"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n"};
    EXPECT_FALSE(probe(playlist, {}));
    MemorySource list{"ffconcat version 1.0\nfile /etc/passwd\n"};
    EXPECT_FALSE(probe(list, {}));
}

class OtherAudio : public ProbeTest, public testing::WithParamInterface<const char*> {};

TEST_P(OtherAudio, TellsItsLengthAndTags) {
    const auto found = found_in(GetParam());
    expect_about(found.duration, 60s);
    EXPECT_TRUE(found.has_sound);
    EXPECT_EQ(found.title, "Тон");
    EXPECT_EQ(found.performer, "prewarm");
    EXPECT_EQ(found.width, 0U);
}

INSTANTIATE_TEST_SUITE_P(Formats, OtherAudio,
                         testing::Values("cover_jpg.mp3", "cover_png.mp3", "cover.m4a", "audio.ogg",
                                         "audio.flac"),
                         [](const auto& file) {
                             std::string name{file.param};
                             std::ranges::replace(name, '.', '_');
                             return name;
                         });

TEST_F(ProbeTest, ACoverIsAnAudiosPicture) {
    for (const auto* name : {"cover_jpg.mp3", "cover.m4a"})
        EXPECT_EQ(dimensions_of(found_in(name).thumbnail), (Dimensions{320, 160})) << name;
}

TEST_F(ProbeTest, ALargeCoverIsNotRead) {
    EXPECT_EQ(found_in("cover_png.mp3").thumbnail, "");
    EXPECT_LT(source->read_bytes(), 400'000U);
}

TEST_F(ProbeTest, AnMp3WithoutAHeaderIsEstimated) {
    expect_about(found_in("bare.mp3").duration, 60s);
}

}  // namespace
}  // namespace prewarm::probe
