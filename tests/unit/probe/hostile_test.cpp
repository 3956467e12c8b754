/// Files that are cut short, damaged, or made to do harm.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/upload.hpp"
#include "common/probe/probe.hpp"
#include "tests/support/samples.hpp"
#include "tests/unit/probe/memory_source.hpp"

namespace prewarm::probe {
namespace {

using namespace std::chrono_literals;

const char* const files[] = {"upright.mp4", "turned_90.mp4", "fragmented.mp4", "video.webm",
                             "video.mkv",   "small.gif",     "cover_jpg.mp3",  "cover.m4a",
                             "audio.ogg",   "audio.flac",    "bare.mp3",       "large.mp4"};

std::string made(const char* name) {
    return content_of(std::string{PREWARM_TEST_MEDIA "/"} + name);
}

/// Whatever it says, it keeps to its limits.
void expect_calm(std::string bytes) {
    MemorySource source{std::move(bytes)};
    const Limits limits;
    const auto found = probe(source, limits);
    EXPECT_LE(source.read_bytes(), limits.read_bytes);
    if (!found) return;
    EXPECT_LE(found->thumbnail.size(), most_thumbnail_bytes);
    EXPECT_GE(found->duration, 0ms);
    EXPECT_LE(found->title.size(), 256U);
}

class DamagedFile : public testing::TestWithParam<const char*> {
protected:
    std::string bytes = made(GetParam());
    std::mt19937 chance{7};  // The same every time.

    std::size_t below(std::size_t end) {
        return std::uniform_int_distribution<std::size_t>{0, end - 1}(chance);
    }
};

TEST_P(DamagedFile, MayBeCutAnywhere) {
    for (int i = 0; i < 40; ++i)
        expect_calm(bytes.substr(0, below(i % 2 == 0 ? bytes.size() : 2000)));
}

TEST_P(DamagedFile, MayHaveAnyOfItsBitsFlipped) {
    for (int i = 0; i < 60; ++i) {
        auto damaged = bytes;
        // What steers a reader is mostly at the beginning and at the end.
        const auto flips = 1 + below(20);
        for (std::size_t flip = 0; flip < flips; ++flip) {
            const auto near = std::min<std::size_t>(damaged.size(), 4000);
            const auto at = i % 3 == 0   ? below(damaged.size())
                            : i % 3 == 1 ? below(near)
                                         : damaged.size() - 1 - below(near);
            damaged[at] = static_cast<char>(damaged[at] ^ (1 << below(8)));
        }
        expect_calm(std::move(damaged));
    }
}

TEST_P(DamagedFile, MayHavePiecesOfNoise) {
    for (int i = 0; i < 20; ++i) {
        auto damaged = bytes;
        const auto at = below(damaged.size());
        const auto size = std::min<std::size_t>(damaged.size() - at, 1 + below(3000));
        for (std::size_t j = at; j < at + size; ++j)
            damaged[j] = static_cast<char>(below(256));
        expect_calm(std::move(damaged));
    }
}

INSTANTIATE_TEST_SUITE_P(Files, DamagedFile, testing::ValuesIn(files), [](const auto& file) {
    std::string name{file.param};
    std::ranges::replace(name, '.', '_');
    return name;
});

TEST(HostileFile, MayBeEmptyOrGarbage) {
    std::mt19937 chance{7};
    expect_calm("");
    expect_calm(std::string(3'000'000, '\0'));
    expect_calm(std::string(3'000'000, '\xff'));
    for (const auto* start : {"", "ID3\4\0\0", "OggS", "GIF89a", "\x1a\x45\xdf\xa3", "fLaC",
                              "\0\0\0\x18"
                              "ftypisom",
                              "RIFF\xff\xff\xff\xffWAVEfmt "}) {
        std::string noise{start};
        while (noise.size() < 500'000)
            noise += static_cast<char>(chance());
        expect_calm(std::move(noise));
    }
}

/// A box of an MP4.
std::string box(const std::string& type, const std::string& content) {
    const auto size = static_cast<std::uint32_t>(content.size() + 8);
    std::string bytes;
    for (const int shift : {24, 16, 8, 0})
        bytes += static_cast<char>(size >> shift);
    return bytes + type + content;
}

TEST(HostileFile, MayNestAsDeepAsItLikes) {
    std::string nested;
    for (int depth = 0; depth < 5000; ++depth)
        nested = box("moov", nested);
    expect_calm(box("ftyp", "isom\0\0\2\0isom") + nested);
}

TEST(HostileFile, MayClaimAPictureOfAnySize) {
    // A GIF's size is in its bytes 6 to 9; an MP4's where its sample entry has 64x48.
    auto gif = made("small.gif");
    gif.replace(6, 4, "\xff\xff\xff\xff");
    expect_calm(gif);
    auto mp4 = made("upright.mp4");
    const auto at = mp4.find(std::string{"\0\x40\0\x30", 4}, mp4.find("avc1"));
    ASSERT_NE(at, std::string::npos);
    mp4.replace(at, 4, "\xff\xff\xff\xff");
    MemorySource source{mp4};
    const auto found = probe(source, {});
    EXPECT_TRUE(!found || found->thumbnail.empty());
}

TEST(HostileFile, IsGivenUpWhenTimeIsUp) {
    MemorySource source{made("large.mp4")};
    const auto found = probe(source, {.deadline = std::chrono::steady_clock::now()});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, FailureKind::transient);
    EXPECT_TRUE(source.reads.size() <= 1);
}

TEST(FailingSource, IsWhatIsReportedIfNothingWasFoundOut) {
    MemorySource source{made("large.mp4")};
    source.fails_after = 1;
    const auto found = probe(source, {});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().detail, "the source has failed");
}

TEST(FailingSource, TakesNothingBackThatWasFoundOut) {
    const auto bytes = made("large.mp4");
    MemorySource whole{bytes};
    ASSERT_TRUE(probe(whole, {}));
    MemorySource source{bytes};
    source.fails_after = whole.reads.size() - 1;
    const auto found = probe(source, {});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->width, 640U);
    EXPECT_EQ(found->thumbnail, "");
}

}  // namespace
}  // namespace prewarm::probe
