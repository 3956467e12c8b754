#include "sandbox/telegram/file_name.hpp"

#include <gtest/gtest.h>

namespace prewarm::sandbox {
namespace {

TEST(CleanedFileName, KeepsThePieceAfterTheLastSlash) {
    EXPECT_EQ(cleaned_file_name("a/b/../c.jpg"), "c.jpg");
    EXPECT_EQ(cleaned_file_name("a/"), "file");
}

TEST(CleanedFileName, DropsSignsOfShellsAndPaths) {
    EXPECT_EQ(cleaned_file_name("a<b>c:d\"e\\f|g?h*i&j`k\n.jpg"), "abcdefghijk.jpg");
}

TEST(CleanedFileName, IsBoundedInCharactersNotBytes) {
    const auto umlauts = [](int count) {
        std::string text;
        for (int i = 0; i < count; ++i)
            text += "\xC3\xA4";
        return text;
    };
    EXPECT_EQ(cleaned_file_name(umlauts(70) + "." + umlauts(20)), umlauts(64) + "." + umlauts(16));
    EXPECT_EQ(cleaned_file_name(umlauts(64) + "." + umlauts(16)), umlauts(64) + "." + umlauts(16));
}

TEST(CleanedFileName, IsFileWhenItIsNotUtf8) {
    for (const auto* const name : {"\xFF.jpg", "\xC3", "\xC0\x80", "\xED\xA0\x80", "a\x80"})
        EXPECT_EQ(cleaned_file_name(name), "file");
}

TEST(CleanedFileName, IsFileWhenItIsEmpty) {
    EXPECT_EQ(cleaned_file_name(""), "file");
}

struct Case {
    const char* file_name;
    MediaKind kind;
    const char* becomes;
    const char* mime_type;
};

class FileTypeOf : public testing::TestWithParam<Case> {};

TEST_P(FileTypeOf, IsAsTelegramDoes) {
    const auto type = file_type_of(GetParam().file_name, GetParam().kind);
    EXPECT_EQ(type.file_name, GetParam().becomes);
    EXPECT_EQ(type.mime_type, GetParam().mime_type);
}

INSTANTIATE_TEST_SUITE_P(
    All, FileTypeOf,
    testing::Values(Case{"a.jpg", MediaKind::photo, "a.jpg", "image/jpeg"},
                    Case{"a", MediaKind::photo, "a.jpg", "image/jpeg"},
                    Case{"a.PNG", MediaKind::photo, "a.PNG", "image/png"},
                    Case{"a.mov", MediaKind::video, "a.mov", "video/quicktime"},
                    Case{"a.bin", MediaKind::video, "a.bin.mp4", "video/mp4"},
                    Case{"a", MediaKind::audio, "a.mp3", "audio/mpeg"},
                    Case{"a.mp3", MediaKind::voice, "a.mp3.oga", "audio/ogg"},
                    Case{"a", MediaKind::video_note, "a.mp4", "video/mp4"},
                    Case{"a.tgs", MediaKind::sticker, "a.tgs", "application/x-tgsticker"},
                    Case{"a.png", MediaKind::sticker, "a.png.webp", "image/webp"},
                    Case{"a", MediaKind::document, "a", ""},
                    Case{"a.pdf", MediaKind::document, "a.pdf", "application/pdf"},
                    Case{"a", MediaKind::animation, "a", ""}));

}  // namespace
}  // namespace prewarm::sandbox
