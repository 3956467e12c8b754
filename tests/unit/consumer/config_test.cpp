#include "consumer/config.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.hpp"

namespace prewarm {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LoadConfig : public ::testing::Test {
protected:
    ConsumerConfig load() const {
        return load_config([this](const std::string& name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            if (found == variables.end()) return std::nullopt;
            return found->second;
        });
    }
    std::string problems() const {
        try {
            (void)load();
        } catch (const config::ConfigError& error) {
            return error.what();
        }
        return "";
    }

    test::TemporaryFolder folder;
    std::string bots_file =
        folder.file("bots.json", R"({"shop":{"token":"1:a","storage_chats":[-5]}})");
    std::map<std::string, std::string> variables{{"DATABASE_URL", "postgresql://u:dbpassword@h/d"},
                                                 {"R2_ENDPOINT", "https://x.example/"},
                                                 {"R2_BUCKET", "media"},
                                                 {"R2_ACCESS_KEY_ID", "key"},
                                                 {"R2_SECRET_ACCESS_KEY", "hunter2"},
                                                 {"PREWARM_BOTS_FILE", bots_file},
                                                 {"RABBITMQ_URL", "amqp://u:mqpassword@h/"}};
};

TEST_F(LoadConfig, NeedsNoMoreThanWhatIsRequired) {
    const auto config = load();
    EXPECT_EQ(config.r2_endpoint, "https://x.example");
    EXPECT_EQ(config.prefetch(), 64U);
    EXPECT_EQ(config.bots.at("shop").storage_chats, std::vector<std::int64_t>{-5});
}

TEST_F(LoadConfig, SendsAlbumsOnlyWhenTold) {
    EXPECT_FALSE(load().albums);
    variables["PREWARM_ALBUMS"] = "1";
    EXPECT_TRUE(load().albums);
    variables["PREWARM_ALBUMS"] = "yes";
    EXPECT_THAT(problems(), HasSubstr("PREWARM_ALBUMS must be 0 or 1"));
}

TEST_F(LoadConfig, TellsAllThatIsMissingAtOnce) {
    variables.clear();
    const auto told = problems();
    for (const auto* name : {"DATABASE_URL", "R2_ENDPOINT", "R2_BUCKET", "R2_ACCESS_KEY_ID",
                             "R2_SECRET_ACCESS_KEY", "PREWARM_BOTS_FILE"}) {
        EXPECT_THAT(told, HasSubstr(std::string{name} + " is required, for example"));
    }
}

TEST_F(LoadConfig, TellsWhatIsWrongWithTheBotsFile) {
    folder.file("bots.json", R"({"Bad Slug":{},"shop":{"token":"secretnonsense"}})");
    const auto told = problems();
    EXPECT_THAT(told, HasSubstr("bot `Bad Slug`: a slug matches"));
    EXPECT_THAT(told, HasSubstr("bot `shop`: token must be text like"));
    EXPECT_THAT(told, HasSubstr("bot `shop`: storage_chats must be a list"));
    EXPECT_THAT(told, Not(HasSubstr("secretnonsense")));
}

TEST_F(LoadConfig, RefusesAddressesThatAreNone) {
    variables["R2_ENDPOINT"] = "x.example";
    variables["TELEGRAM_API_URL"] = "ftp://x";
    EXPECT_THAT(problems(), HasSubstr("R2_ENDPOINT must be an http:// or https:// address"));
    EXPECT_THAT(problems(), HasSubstr("TELEGRAM_API_URL must be an http:// or https:// address"));
}

TEST_F(LoadConfig, ReadsTheServersAddressesToo) {
    variables["RABBITMQ_URL"] = "http://u:mqpassword@h/";
    variables["RABBITMQ_MANAGEMENT_URL"] = "amqp://u:mqpassword@h:15672";
    variables["REDIS_URL"] = "nowhere";
    variables["DATABASE_URL"] = "mysql://u:dbpassword@h/d";
    variables["ADMIN_LISTEN"] = "9464";
    const auto told = problems();
    for (const auto* name :
         {"RABBITMQ_URL", "RABBITMQ_MANAGEMENT_URL", "REDIS_URL", "DATABASE_URL", "ADMIN_LISTEN"}) {
        EXPECT_THAT(told, HasSubstr(name));
    }
    EXPECT_THAT(told, Not(HasSubstr("mqpassword")));
    EXPECT_THAT(told, Not(HasSubstr("dbpassword")));
}

TEST_F(LoadConfig, TellsThatTheBotsFileIsAFolder) {
    variables["PREWARM_BOTS_FILE"] = folder.path();
    EXPECT_THAT(problems(), HasSubstr("PREWARM_BOTS_FILE: cannot read the file"));
}

TEST_F(LoadConfig, RefusesAQueueSmallerThanTheConcurrency) {
    variables["MEDIA_PREWARM_MAX_QUEUE"] = "8";
    EXPECT_THAT(problems(), HasSubstr("MEDIA_PREWARM_MAX_QUEUE (8) must be at least"));
}

TEST_F(LoadConfig, WatchesPoliciesOnlyWhenToldWhere) {
    EXPECT_FALSE(load().rabbitmq_management);
    variables["RABBITMQ_MANAGEMENT_URL"] = "http://u:mqpassword@h:15672";
    EXPECT_EQ(load().rabbitmq_management.value().base_url, "http://h:15672");
}

TEST_F(LoadConfig, ReadsRatesOfAnyUnit) {
    EXPECT_EQ(load().telegram_limits.bot_per_second, 30);
    EXPECT_EQ(load().telegram_limits.group_per_minute, 20);
    variables["TELEGRAM_RATE_BOT"] = "600/min";
    variables["TELEGRAM_RATE_GROUP"] = "1/s";
    EXPECT_EQ(load().telegram_limits.bot_per_second, 10);
    EXPECT_EQ(load().telegram_limits.group_per_minute, 60);
    for (const auto* wrong : {"30", "/s", "x/s", "-1/s", "0/s", "30/day", "30/s/s"}) {
        variables["TELEGRAM_RATE_BOT"] = wrong;
        EXPECT_THAT(problems(), HasSubstr("TELEGRAM_RATE_BOT must be messages per time, not `" +
                                          std::string{wrong} + "`"))
            << wrong;
    }
}

TEST_F(LoadConfig, KeepsNoDownloadsUnlessToldWhere) {
    EXPECT_EQ(load().download_cache_folder, "");
    variables["MEDIA_PREWARM_DOWNLOAD_CACHE_DIR"] = folder.path() / "downloads/";
    variables["MEDIA_PREWARM_DOWNLOAD_CACHE_MB"] = "2";
    variables["MEDIA_PREWARM_DOWNLOAD_CACHE_TTL_MS"] = "1500";
    const auto config = load();
    EXPECT_EQ(config.download_cache_folder, folder.path() / "downloads");
    EXPECT_EQ(config.download_cache_bytes, 2U * 1024 * 1024);
    EXPECT_EQ(config.download_cache_ttl.count(), 1500);
}

TEST_F(LoadConfig, RefusesADownloadCacheThatCannotBe) {
    variables["MEDIA_PREWARM_DOWNLOAD_CACHE_MB"] = "0";
    variables["MEDIA_PREWARM_DOWNLOAD_CACHE_TTL_MS"] = "5m";
    for (const auto* nowhere : {"downloads", "./downloads", "/", "//"}) {
        variables["MEDIA_PREWARM_DOWNLOAD_CACHE_DIR"] = nowhere;
        EXPECT_THAT(problems(), HasSubstr("_DIR must be a folder of its own")) << nowhere;
    }
    variables["MEDIA_PREWARM_DOWNLOAD_CACHE_DIR"] = bots_file;
    EXPECT_THAT(problems(), HasSubstr("bots.json` is no folder"));
    EXPECT_THAT(problems(), HasSubstr("MEDIA_PREWARM_DOWNLOAD_CACHE_MB"));
    EXPECT_THAT(problems(), HasSubstr("MEDIA_PREWARM_DOWNLOAD_CACHE_TTL_MS"));
}

TEST_F(LoadConfig, ShowsNoSecret) {
    variables["RABBITMQ_MANAGEMENT_URL"] = "http://u:mqpassword@h:15672";
    for (const auto& [name, value] : load().effective) {
        for (const auto* secret : {"hunter2", "dbpassword", "mqpassword"}) {
            EXPECT_THAT(value, Not(HasSubstr(secret))) << name;
        }
    }
}

}  // namespace
}  // namespace prewarm
