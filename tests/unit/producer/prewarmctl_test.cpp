#include "producer/prewarmctl.hpp"

#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::producer {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Runs commands that end before they reach any server.
class Prewarmctl : public testing::Test {
protected:
    ExitStatus run(std::vector<std::string> arguments) {
        out.str("");
        err.str("");
        const auto variable = [this](const std::string& name) -> std::optional<std::string> {
            const auto found = environment.find(name);
            if (found == environment.end()) return std::nullopt;
            return found->second;
        };
        return prewarmctl(std::move(arguments), {.environment = variable, .out = out, .err = err});
    }

    std::map<std::string, std::string> environment;
    std::ostringstream out;
    std::ostringstream err;
};

const std::string digest(64, 'a');

TEST_F(Prewarmctl, ShowsHelpAndVersion) {
    EXPECT_EQ(run({"--help"}), ExitStatus::success);
    EXPECT_THAT(out.str(), AllOf(HasSubstr("upload"), HasSubstr("Exit status")));
    EXPECT_EQ(run({"--version"}), ExitStatus::success);
    EXPECT_EQ(out.str(), "prewarmctl " PREWARM_VERSION "\n");
}

TEST_F(Prewarmctl, ShowsEachCommandsHelp) {
    for (const std::string command :
         {"migrate", "topology", "upload", "publish", "lookup", "status", "events"}) {
        EXPECT_EQ(run({command, "--help"}), ExitStatus::success);
        EXPECT_THAT(out.str(), AllOf(HasSubstr("prewarmctl " + command), HasSubstr("--json")));
    }
}

TEST_F(Prewarmctl, ShowsTheHelpOfEachCommandOfDlq) {
    EXPECT_EQ(run({"dlq", "--help"}), ExitStatus::success);
    EXPECT_THAT(out.str(), AllOf(HasSubstr("groups"), HasSubstr("Looking is counted")));
    for (const std::string command : {"groups", "list", "show", "replay", "drop"}) {
        EXPECT_EQ(run({"dlq", command, "--help"}), ExitStatus::success);
        for (const std::string option : {"--json", "--reason", "--bot", "--since", "--limit"})
            EXPECT_THAT(out.str(), HasSubstr(option)) << command;
    }
}

TEST_F(Prewarmctl, NamesTheCommandsWhenOneIsMisspelt) {
    EXPECT_EQ(run({"dlg"}), ExitStatus::wrong_usage);
    EXPECT_THAT(err.str(), AllOf(HasSubstr("`dlg` is no command; there are: migrate, topology"),
                                 HasSubstr(", dlq")));
    EXPECT_EQ(run({"dlq", "--json", "foo\x1b"}), ExitStatus::wrong_usage);
    EXPECT_THAT(err.str(), HasSubstr("`foo\\x1b` is no command of dlq; there are: groups, list, "
                                     "show, replay, drop"));
}

TEST_F(Prewarmctl, DropsNothingThatIsNotClearlyMeant) {
    EXPECT_EQ(run({"dlq", "drop", "--yes"}), ExitStatus::wrong_usage);
    EXPECT_THAT(err.str(), HasSubstr("--all"));
    for (const std::vector<std::string>& filter :
         {std::vector<std::string>{"--all"}, {"--limit", "1"}, {"--bot", "shop"}}) {
        std::vector<std::string> arguments{"dlq", "drop"};
        arguments.insert(arguments.end(), filter.begin(), filter.end());
        EXPECT_EQ(run(arguments), ExitStatus::wrong_usage);
        EXPECT_THAT(err.str(), AllOf(HasSubstr("--yes"), HasSubstr("--dry-run")));
    }
}

TEST_F(Prewarmctl, RefusesWrongUsage) {
    const std::vector<std::vector<std::string>> wrong{
        {},
        {"no-such-command"},
        {"migrate", "--no-such-option"},
        {"upload", "--bot", "shop"},
        {"upload", "file"},
        {"upload", "file", "--bot", "No Slug"},
        {"upload", "file", "--bot", "shop", "--kind", "picture"},
        {"upload", "file", "--bot", "shop", "--concurrency", "0"},
        {"lookup", "shop", digest.substr(1), "photo"},
        {"lookup", "shop", digest, "photograph"},
        {"events", "--count", "many"},
        {"dlq"},
        {"dlq", "show"},
        {"dlq", "list", "--since", "yesterday"},
        {"dlq", "list", "--bot", "No Slug"},
        {"dlq", "list", "--limit", "0"},
        {"dlq", "replay", "--rate", "fast"},
        {"dlq", "replay", "--timeout", "5"},
    };
    for (const auto& arguments : wrong) {
        EXPECT_EQ(run(arguments), ExitStatus::wrong_usage) << testing::PrintToString(arguments);
        EXPECT_NE(err.str(), "");
        EXPECT_EQ(out.str(), "");
    }
}

TEST_F(Prewarmctl, NamesEveryMissingSettingAtOnce) {
    environment = {{"RABBITMQ_URL", "http://user:hunter2@host/"}, {"R2_ENDPOINT", "ftp://r2"}};
    EXPECT_EQ(run({"upload", "file", "--bot", "shop"}), ExitStatus::wrong_usage);
    for (const std::string name : {"RABBITMQ_URL", "DATABASE_URL", "R2_ENDPOINT", "R2_BUCKET",
                                   "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY"}) {
        EXPECT_THAT(err.str(), HasSubstr("prewarmctl: " + name));
    }
    EXPECT_THAT(err.str(), Not(HasSubstr("hunter2")));
}

TEST_F(Prewarmctl, WantsOnlyTheSettingsThatACommandNeeds) {
    environment = {{"RABBITMQ_URL", "wrong"}};
    EXPECT_EQ(run({"topology"}), ExitStatus::wrong_usage);
    EXPECT_THAT(err.str(), Not(HasSubstr("DATABASE_URL")));
    EXPECT_EQ(run({"migrate"}), ExitStatus::wrong_usage);
    EXPECT_THAT(err.str(), Not(HasSubstr("RABBITMQ_URL")));
}

TEST_F(Prewarmctl, RefusesABucketThatTheServiceWouldRefuse) {
    environment = {{"R2_BUCKET", "media"}, {"R2_ALLOWED_BUCKETS", "other, third"}};
    EXPECT_EQ(run({"upload", "file", "--bot", "shop", "--bucket", "fourth"}),
              ExitStatus::wrong_usage);
    EXPECT_THAT(err.str(), HasSubstr("bucket `fourth` is neither R2_BUCKET nor in"));
    for (const std::string allowed : {"media", "third"}) {
        EXPECT_EQ(run({"upload", "file", "--bot", "shop", "--bucket", allowed}),
                  ExitStatus::wrong_usage);
        EXPECT_THAT(err.str(), Not(HasSubstr("is neither")));
    }
}

TEST_F(Prewarmctl, NamesWhatAnEventLacks) {
    EXPECT_EQ(run({"publish", "--sha256", digest}), ExitStatus::wrong_usage);
    EXPECT_THAT(err.str(), AllOf(HasSubstr("--bot is required"), HasSubstr("--r2-key is required"),
                                 HasSubstr("--kind is required")));
    EXPECT_THAT(err.str(), Not(HasSubstr("R2_ENDPOINT")));
}

TEST_F(Prewarmctl, NeedsR2ToFindADigestOut) {
    EXPECT_EQ(run({"publish", "--bot", "shop", "--r2-key", "a", "--kind", "photo"}),
              ExitStatus::wrong_usage);
    EXPECT_THAT(err.str(), HasSubstr("R2_ENDPOINT is required"));
}

TEST_F(Prewarmctl, TakesNoOptionsBesideAFileOfEvents) {
    EXPECT_EQ(run({"publish", "--from", "events.jsonl", "--bot", "shop", "--width", "5"}),
              ExitStatus::wrong_usage);
    EXPECT_THAT(err.str(), AllOf(HasSubstr("--bot describes one"), HasSubstr("--width describes")));
    EXPECT_EQ(run({"publish", "--from", "/no/such/file"}), ExitStatus::wrong_usage);
    EXPECT_THAT(err.str(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace prewarm::producer
