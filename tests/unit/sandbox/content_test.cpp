#include "sandbox/telegram/content.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sandbox/contents.hpp"

namespace prewarm::sandbox {
namespace {

Content content_of(std::string_view bytes, std::size_t piece_bytes = 1000) {
    ContentReader reader;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece_bytes, bytes.size())))
        reader.feed(bytes.substr(0, piece_bytes));
    return reader.content();
}

TEST(SandboxContent, KnowsFormatsByTheirFirstBytes) {
    EXPECT_EQ(content_of(test::jpeg(1, 1)).format, Format::jpeg);
    EXPECT_EQ(content_of(test::png(1, 1)).format, Format::png);
    EXPECT_EQ(content_of(test::gif()).format, Format::gif);
    EXPECT_EQ(content_of(test::webp(1)).format, Format::webp);
    EXPECT_EQ(content_of("BM").format, Format::bmp);
    EXPECT_EQ(content_of(std::string{"II*\0", 4}).format, Format::tiff);
    EXPECT_EQ(content_of(test::mp4({})).format, Format::mp4);
    EXPECT_EQ(content_of(test::mp4({.brand = "qt  "})).format, Format::quicktime);
    EXPECT_EQ(content_of(test::matroska()).format, Format::matroska);
    EXPECT_EQ(content_of(test::ogg("OpusHead")).format, Format::opus);
    EXPECT_EQ(content_of(test::ogg("\x01vorbis")).format, Format::ogg);
    EXPECT_EQ(content_of("fLaC").format, Format::flac);
    EXPECT_EQ(content_of("ID3").format, Format::mp3);
    EXPECT_EQ(content_of(test::mp3()).format, Format::mp3);
    EXPECT_EQ(content_of("\x1F\x8B").format, Format::gzip);
    for (const auto* const other : {"", "x", "%PDF-1.4", "RIFF", "RIFFxxxxWAVE", "\xFF\xFF"})
        EXPECT_EQ(content_of(other).format, Format::unknown) << other;
}

TEST(SandboxContent, KnowsThePixelsOfPictures) {
    for (const auto& picture : {test::jpeg(640, 480), test::png(640, 480)}) {
        EXPECT_EQ(content_of(picture).width, 640U);
        EXPECT_EQ(content_of(picture).height, 480U);
    }
    EXPECT_EQ(content_of(test::gif()).width, 40U);
    EXPECT_EQ(content_of(test::gif()).height, 30U);
    EXPECT_EQ(content_of(test::webp(512)).width, 512U);
    EXPECT_EQ(content_of(test::webp(512)).height, 512U);
}

TEST(SandboxContent, ReadsAnMp4sIndexInPiecesOfAnySize) {
    for (const bool index_is_last : {false, true}) {
        const auto film =
            test::mp4({.has_sound = true, .seconds = 7, .index_is_last = index_is_last});
        for (const std::size_t piece_bytes : {1UL, 7UL, 100UL, film.size()}) {
            const auto content = content_of(film, piece_bytes);
            EXPECT_TRUE(content.has_picture);
            EXPECT_TRUE(content.has_sound);
            EXPECT_EQ(content.width, 320U);
            EXPECT_EQ(content.height, 240U);
            EXPECT_EQ(content.duration_seconds, 7U);
        }
    }
}

TEST(SandboxContent, DoesNotTakeContentForAnIndex) {
    EXPECT_FALSE(content_of(test::mp4({})).has_sound);
}

TEST(SandboxContent, FindsNothingInABrokenMp4) {
    const auto begin = test::box("ftyp", "isom1234");
    for (const auto& rest : {test::big_endian(0, 4) + "moov", test::big_endian(7, 4) + "moov",
                             test::big_endian(1, 4) + "mdat" + test::big_endian(3, 8),
                             test::big_endian(UINT32_MAX, 4) + "hdlr", std::string{"xx"}}) {
        const auto content = content_of(begin + rest, 3);
        EXPECT_EQ(content.format, Format::mp4);
        EXPECT_FALSE(content.has_picture);
    }
}

TEST(SandboxContent, SkipsABoxWithALongSize) {
    const auto film = test::mp4({.has_sound = true});
    const auto type = test::box("ftyp", "isom1234");
    const auto large =
        test::big_endian(1, 4) + "mdat" + test::big_endian(16 + 300, 8) + std::string(300, 'x');
    EXPECT_TRUE(content_of(type + large + film.substr(16)).has_sound);
}

}  // namespace
}  // namespace prewarm::sandbox
