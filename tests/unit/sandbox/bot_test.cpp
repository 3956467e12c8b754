#include "sandbox/telegram/bot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.hpp"

namespace prewarm::sandbox {
namespace {

using testing::HasSubstr;

const std::string secret(35, 'A');

TEST(BotOfToken, IsTheOneTheDigitsName) {
    EXPECT_EQ(bot_of_token("123456:" + secret)->id, 123456);
}

TEST(BotOfToken, IsNoneWhenTheTokenIsMalformed) {
    for (const auto& token :
         {std::string{}, secret, ":" + secret, "0:" + secret, "-1:" + secret, "1x:" + secret,
          "1:" + secret.substr(10), "1:" + secret + "/", "1:" + secret + "%",
          "1:" + std::string(65, 'A'), "99999999999999999999:" + secret})
        EXPECT_FALSE(bot_of_token(token)) << token;
}

class BotsFile : public testing::Test {
protected:
    Result<BotList> read(std::string_view text) {
        return read_bots_file(folder.file("bots.json", text).string());
    }
    test::TemporaryFolder folder;
};

TEST_F(BotsFile, NamesBotsByTheirSlug) {
    const auto bots = read(R"({"main": {"token": "7:)" + secret + R"(", "storage_chats": [-1]}})");
    ASSERT_TRUE(bots) << bots.error().detail;
    EXPECT_EQ(bots->at("7:" + secret).id, 7);
    EXPECT_EQ(bots->at("7:" + secret).username, "main_bot");
}

TEST_F(BotsFile, IsRefusedWithTheReasonAndNoToken) {
    for (const auto* const text :
         {"", "[]", R"({"main": 1})", R"({"main": {}})", R"({"main": {"token": 7}})",
          R"({"main": {"token": "s3cret"}})"}) {
        const auto bots = read(text);
        ASSERT_FALSE(bots) << text;
        EXPECT_EQ(bots.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(bots.error().detail, HasSubstr("bots.json"));
        EXPECT_THAT(bots.error().detail, testing::Not(HasSubstr("s3cret")));
    }
}

TEST_F(BotsFile, IsRefusedWhenItDoesNotExist) {
    EXPECT_THAT(read_bots_file("/nonexistent/bots.json").error().detail,
                HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace prewarm::sandbox
