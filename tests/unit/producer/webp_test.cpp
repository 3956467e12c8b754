#include "producer/webp.hpp"

#include <string>

#include <gtest/gtest.h>

namespace prewarm::producer {
namespace {

using namespace std::string_literals;

/// A file's first bytes, up to where the chunk's data ends.
std::string webp(const std::string& chunk, const std::string& data) {
    return "RIFF\x64\0\0\0WEBP"s + chunk + "\x58\0\0\0"s + data;
}

TEST(Webp, OfTheLossyKindHasItsSizeBehindTheStartCode) {
    const auto head = webp("VP8 ", "\x30\x01\x00\x9d\x01\x2a\x00\x02\x80\x01"s);
    EXPECT_EQ(webp_picture(head), (WebpPicture{512, 384, false}));
}

TEST(Webp, KeepsTheScaleOutOfTheSize) {
    const auto head = webp("VP8 ", "\x30\x01\x00\x9d\x01\x2a\x00\x42\x80\xc1"s);
    EXPECT_EQ(webp_picture(head), (WebpPicture{512, 384, false}));
}

TEST(Webp, OfTheLosslessKindPacksItsSizeInBits) {
    // 511 and 299, each 14 bits from the least significant on.
    const auto head = webp("VP8L", "\x2f\xff\xc1\x4a\x00\x00\x00\x00\x00\x00"s);
    EXPECT_EQ(webp_picture(head), (WebpPicture{512, 300, false}));
}

TEST(Webp, OfTheExtendedKindSaysWhetherItMoves) {
    const auto still = webp("VP8X", "\x10\0\0\0\xff\x01\0\x7f\x01\0"s);
    EXPECT_EQ(webp_picture(still), (WebpPicture{512, 384, false}));
    const auto moving = webp("VP8X", "\x12\0\0\0\xff\x01\0\x7f\x01\0"s);
    EXPECT_EQ(webp_picture(moving), (WebpPicture{512, 384, true}));
}

TEST(Webp, IsNotSeenInAnythingElse) {
    const auto good = webp("VP8X", "\x10\0\0\0\xff\x01\0\x7f\x01\0"s);
    for (std::size_t size = 0; size < good.size(); ++size)
        EXPECT_EQ(webp_picture(good.substr(0, size)), std::nullopt) << size;
    EXPECT_EQ(webp_picture("RIFX" + good.substr(4)), std::nullopt);
    EXPECT_EQ(webp_picture(webp("ICCP", std::string(10, '\0'))), std::nullopt);
    EXPECT_EQ(webp_picture(webp("VP8 ", std::string(10, '\0'))), std::nullopt);
    EXPECT_EQ(webp_picture(webp("VP8L", std::string(10, '\0'))), std::nullopt);
}

}  // namespace
}  // namespace prewarm::producer
