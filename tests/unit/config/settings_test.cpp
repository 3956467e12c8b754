#include "common/config/settings.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.hpp"

namespace prewarm::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Settings settings_of(std::map<std::string, std::string> variables) {
    return Settings{
        [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            if (found == variables.end()) return std::nullopt;
            return found->second;
        }};
}

std::string problems_of(const Settings& settings) {
    try {
        settings.throw_if_wrong();
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "";
}

TEST(Settings, TellsEveryProblemAtOnce) {
    auto settings = settings_of({{"N", "many"}, {"F", "yes"}, {"C", "blue"}});
    EXPECT_EQ(settings.number("N", 32, 1, 1000), 32);
    EXPECT_FALSE(settings.flag("F"));
    EXPECT_EQ(settings.one_of("C", "red", {"red", "green"}), "red");
    (void)settings.required_text("T", "x");
    EXPECT_EQ(problems_of(settings),
              "N must be a whole number from 1 to 1000, not `many`; for example 32\n"
              "F must be 0 or 1, not `yes`\n"
              "C must be one of red, green, not `blue`; for example red\n"
              "T is required, for example x");
}

TEST(Settings, BoundsNumbers) {
    auto settings = settings_of({{"A", "0"}, {"B", "1001"}, {"C", "5x"}, {"D", "1000"}});
    (void)settings.milliseconds("A", 5ms, 1ms, 1000ms);
    (void)settings.number("B", 5, 1, 1000);
    (void)settings.number("C", 5, 1, 1000);
    EXPECT_EQ(settings.number("D", 5, 1, 1000), 1000);
    const auto problems = problems_of(settings);
    EXPECT_THAT(problems, HasSubstr("A must be"));
    EXPECT_THAT(problems, HasSubstr("B must be"));
    EXPECT_THAT(problems, HasSubstr("C must be"));
}

TEST(Settings, ReadsAValueFromTheFileThatIsNamed) {
    const test::TemporaryFolder folder;
    const auto path = folder.file("secret", "from the file\n");
    auto settings = settings_of({{"S_FILE", path.string()}});
    EXPECT_EQ(settings.required_secret("S", "x").reveal(), "from the file");
    EXPECT_EQ(problems_of(settings), "");
}

TEST(Settings, RefusesAFileThatIsNotThereAndAValueGivenTwice) {
    auto settings = settings_of({{"A_FILE", "/nowhere/at/all"}, {"B", "1"}, {"B_FILE", "/x"}});
    (void)settings.text("A", "");
    (void)settings.text("B", "");
    const auto problems = problems_of(settings);
    EXPECT_THAT(problems, HasSubstr("A_FILE: cannot read the file `/nowhere/at/all`"));
    EXPECT_THAT(problems, HasSubstr("B and B_FILE are both set"));
}

TEST(Settings, SplitsLists) {
    auto settings = settings_of({{"L", " a, b ,,c"}});
    EXPECT_THAT(settings.list("L"), ElementsAre("a", "b", "c"));
}

TEST(Settings, ShowsTheEffectiveValuesButNoSecret) {
    auto settings = settings_of({{"S", "hunter2"}});
    (void)settings.secret("S", "");
    (void)settings.text("T", "default");
    EXPECT_THAT(settings.effective(), ElementsAre(Pair("S", "***"), Pair("T", "default")));
}

}  // namespace
}  // namespace prewarm::config
