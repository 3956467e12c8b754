#include "common/base/media.hpp"

#include <sstream>

#include <gtest/gtest.h>

#include "common/base/secret.hpp"

namespace prewarm {
namespace {

TEST(Sha256, SurvivesItsHexForm) {
    const auto digest = sha256_of("abc");
    EXPECT_EQ(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_from_hex(digest.hex()), digest);
}

TEST(Sha256, IsNotMadeOfAnythingElse) {
    EXPECT_FALSE(sha256_from_hex("ba78"));
    EXPECT_FALSE(sha256_from_hex(std::string(64, 'g')));
    EXPECT_FALSE(sha256_from_bytes("short"));
}

TEST(MediaKind, SurvivesItsName) {
    for (const auto kind : all_media_kinds)
        EXPECT_EQ(media_kind_named(name_of(kind)), kind);
    EXPECT_FALSE(media_kind_named("Photo"));
}

TEST(BotSlug, IsWhatTheContractAllows) {
    EXPECT_TRUE(is_bot_slug("a"));
    EXPECT_TRUE(is_bot_slug("0my_bot-1"));
    EXPECT_TRUE(is_bot_slug(std::string(64, 'x')));
    EXPECT_FALSE(is_bot_slug(""));
    EXPECT_FALSE(is_bot_slug("_bot"));
    EXPECT_FALSE(is_bot_slug("Bot"));
    EXPECT_FALSE(is_bot_slug("a.b"));
    EXPECT_FALSE(is_bot_slug(std::string(65, 'x')));
}

TEST(Secret, IsNotPrinted) {
    std::ostringstream out;
    out << Secret{"hunter2"};
    EXPECT_EQ(out.str(), "***");
}

}  // namespace
}  // namespace prewarm
