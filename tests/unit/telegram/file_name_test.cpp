#include "common/telegram/file_name.hpp"

#include <gtest/gtest.h>

namespace prewarm::telegram {
namespace {

TEST(FileName, IsKeptWhenItsExtensionFits) {
    EXPECT_EQ(file_name_for(MediaKind::photo, "cat.png", ""), "cat.png");
    EXPECT_EQ(file_name_for(MediaKind::video, "Clip.MOV", ""), "Clip.mov");
    EXPECT_EQ(file_name_for(MediaKind::document, "report.final.docx", ""), "report.final.docx");
    EXPECT_EQ(file_name_for(MediaKind::sticker, "s.tgs", ""), "s.tgs");
}

TEST(FileName, IsTheLastPieceOfAKey) {
    EXPECT_EQ(file_name_for(MediaKind::photo, "media/2024//cat.jpg", ""), "cat.jpg");
    EXPECT_EQ(file_name_for(MediaKind::photo, "media/", "image/png"), "photo.png");
}

TEST(FileName, GetsTheExtensionOfItsMimeTypeWhenItHasNone) {
    EXPECT_EQ(file_name_for(MediaKind::animation, "a1b2", "image/gif"), "a1b2.gif");
    EXPECT_EQ(file_name_for(MediaKind::document, "a1b2", "Application/PDF; x=y"), "a1b2.pdf");
    EXPECT_EQ(file_name_for(MediaKind::voice, "a1b2", "audio/ogg"), "a1b2.ogg");
}

TEST(FileName, GetsTheUsualExtensionOfItsKindWhenNothingIsKnown) {
    EXPECT_EQ(file_name_for(MediaKind::photo, "x", ""), "x.jpg");
    EXPECT_EQ(file_name_for(MediaKind::video, "x", "application/octet-stream"), "x.mp4");
    EXPECT_EQ(file_name_for(MediaKind::animation, "x", ""), "x.mp4");
    EXPECT_EQ(file_name_for(MediaKind::audio, "x", ""), "x.mp3");
    EXPECT_EQ(file_name_for(MediaKind::voice, "x", ""), "x.ogg");
    EXPECT_EQ(file_name_for(MediaKind::video_note, "x", ""), "x.mp4");
    EXPECT_EQ(file_name_for(MediaKind::sticker, "x", ""), "x.webp");
    EXPECT_EQ(file_name_for(MediaKind::document, "x", ""), "x");
}

TEST(FileName, KeepsAnExtensionThatDoesNotFitBeforeOneThatDoes) {
    EXPECT_EQ(file_name_for(MediaKind::video_note, "x.mov", ""), "x.mov.mp4");
    EXPECT_EQ(file_name_for(MediaKind::photo, "x.webp", "image/webp"), "x.webp.jpg");
    EXPECT_EQ(file_name_for(MediaKind::video, ".hidden", ""), ".hidden.mp4");
}

TEST(FileName, IsCleanUtf8) {
    EXPECT_EQ(file_name_for(MediaKind::photo, "кошка.jpg", ""), "кошка.jpg");
    EXPECT_EQ(file_name_for(MediaKind::photo, "a\r\n\x01\"b.jpg", ""), "a___\"b.jpg");
    EXPECT_EQ(file_name_for(MediaKind::photo, "a\xff\xc3.jpg", ""), "a__.jpg");
    EXPECT_EQ(file_name_for(MediaKind::photo, "\xed\xa0\x80.jpg", ""), "___.jpg");
}

TEST(FileName, IsCutWithinTheServersLimit) {
    EXPECT_EQ(file_name_for(MediaKind::photo, std::string(200, 'x') + ".jpg", ""),
              std::string(60, 'x') + ".jpg");
    std::string cats;
    std::string sixty_cats;
    for (int i = 0; i < 100; ++i)
        cats += "🐈";
    for (int i = 0; i < 60; ++i)
        sixty_cats += "🐈";
    EXPECT_EQ(file_name_for(MediaKind::document, cats, ""), sixty_cats);
}

}  // namespace
}  // namespace prewarm::telegram
