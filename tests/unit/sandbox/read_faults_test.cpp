#include "sandbox/faults/read_faults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_folder.hpp"

namespace prewarm::sandbox {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

Fault fault_of(const std::string& fields) {
    const auto script = read_faults("[{" + fields + "}]");
    EXPECT_TRUE(script) << script.error().detail;
    return script ? script->rules.at(0).fault : Fault{};
}

std::string problem_of(const std::string& json) {
    const auto script = read_faults(json);
    return script ? "none" : script.error().detail;
}

TEST(ReadFaults, ReadsWhatTelegramIsToAnswer) {
    const auto migrated = fault_of(
        R"("side": "telegram", "status": 400, "description": "Bad Request: moved",
           "retry_after": 7, "migrate_to_chat_id": -1009, "hang_ms": 20, "drip_ms": 3)");
    EXPECT_EQ(migrated.status, 400U);
    EXPECT_EQ(migrated.text, "Bad Request: moved");
    EXPECT_EQ(migrated.retry_after, 7s);
    EXPECT_EQ(migrated.migrate_to_chat_id, -1009);
    EXPECT_EQ(migrated.hang, 20ms);
    EXPECT_EQ(migrated.drip, 3ms);

    const auto page = fault_of(R"("side": "telegram", "status": 502, "body": "")");
    EXPECT_EQ(page.body, "");
    EXPECT_FALSE(migrated.body);
}

TEST(ReadFaults, HidesAFloodInABadRequest) {
    const auto hidden = fault_of(R"("side": "telegram", "hidden_429": 8)");
    EXPECT_EQ(hidden.status, 400U);
    EXPECT_EQ(hidden.text, "Bad Request: too Many Requests: retry after 8");
    EXPECT_EQ(hidden.retry_after, 0s);
}

TEST(ReadFaults, ReadsHowAConnectionEnds) {
    const auto of = [](const std::string& how) {
        return fault_of(R"("side": "telegram", )" + how).break_off;
    };
    EXPECT_EQ(of(R"("reset": "before")"), BreakOff::before);
    EXPECT_EQ(of(R"("reset": "middle")"), BreakOff::middle);
    EXPECT_EQ(of(R"("reset": "after")"), BreakOff::after);
    EXPECT_EQ(of(R"("lose_answer": true)"), BreakOff::closes_after);
}

TEST(ReadFaults, ReadsWhatHappensToAnObject) {
    const auto harmed = fault_of(
        R"("side": "r2", "cut": 0, "corrupt": 5, "stall_ms": 100, "stall_at": 9, "change": true)");
    EXPECT_EQ(harmed.cut, 0U);
    EXPECT_EQ(harmed.corrupt, 5U);
    EXPECT_EQ(harmed.stall, 100ms);
    EXPECT_EQ(harmed.stall_at, 9U);
    EXPECT_TRUE(harmed.change);
    EXPECT_EQ(fault_of(R"("side": "r2", "slow_down": true)").code, "SlowDown");
    EXPECT_EQ(fault_of(R"("side": "r2", "skew": true)").status, 403U);
    EXPECT_EQ(fault_of(R"("side": "r2", "status": 418)").code, "InternalError");
}

struct Wrong {
    const char* name;
    const char* rule;
    const char* problem;
};

class WrongFaults : public testing::TestWithParam<Wrong> {};

TEST_P(WrongFaults, AreToldByRuleAndField) {
    const auto problem =
        problem_of(std::string{R"([{"side": "r2", "cut": 1}, )"} + GetParam().rule + "]");
    EXPECT_THAT(problem, StartsWith("rule 2: "));
    EXPECT_THAT(problem, HasSubstr(GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    Rules, WrongFaults,
    testing::Values(
        Wrong{"NoObject", "5", "must be an object"},
        Wrong{"NoSide", R"({"status": 500})", R"("side" is missing)"},
        Wrong{"AnotherSide", R"({"side": "r3"})", R"("side" must be one of telegram, r2)"},
        Wrong{"NothingToDo", R"({"side": "telegram"})", "add status"},
        Wrong{"NothingToDoInR2", R"({"side": "r2", "times": 1})", "add status"},
        Wrong{"Status", R"({"side": "r2", "status": 99})",
              R"("status" must be a whole number from 200 to 599)"},
        Wrong{"HalfAStatus", R"({"side": "r2", "status": 500.5})", "\"status\""},
        Wrong{"TextForANumber", R"({"side": "r2", "status": "500"})", "\"status\""},
        Wrong{"NumberForAText", R"({"side": "r2", "key": 1, "cut": 1})", R"("key" must be a text)"},
        Wrong{"Fraction", R"({"side": "r2", "cut": 1, "fraction": 2})",
              R"("fraction" must be a number from 0 to 1)"},
        Wrong{"False", R"({"side": "r2", "change": false})", R"("change" must be true)"},
        Wrong{"UnknownField", R"({"side": "r2", "cut": 1, "tims": 1})", R"("tims" is no field)"},
        Wrong{"UnknownFieldAlone", R"({"side": "telegram", "staus": 502})",
              R"("staus" is no field)"},
        Wrong{"FieldOfTheOtherSide", R"({"side": "telegram", "cut": 1, "status": 500})",
              R"("cut" is no field)"},
        Wrong{"TwoEnds", R"({"side": "telegram", "status": 500, "reset": "after"})",
              R"("reset" cannot be beside "status")"},
        Wrong{"Reset", R"({"side": "telegram", "reset": "soon"})",
              R"("reset" must be one of before, middle, after)"},
        Wrong{"DescriptionOfNothing", R"({"side": "telegram", "description": "x"})",
              R"("description" needs "status")"},
        Wrong{"ChatBeforeTheBody", R"({"side": "telegram", "chat": 1, "reset": "before"})",
              R"("chat" is not known yet)"},
        Wrong{"ErrorAndBody", R"({"side": "r2", "slow_down": true, "cut": 1})",
              "make two rules of it"},
        Wrong{"StallOfNoLength", R"({"side": "r2", "stall_at": 1})", R"("stall_at" needs)"}),
    [](const auto& wrong) { return std::string{wrong.param.name}; });

TEST(ReadFaults, SaysWhichFieldsThereAre) {
    EXPECT_EQ(
        problem_of(R"([{"side": "r2", "cut": 1, "bot": 1}])"),
        "rule 1: \"bot\" is no field of such a rule: there are side, name, method, min_bytes, "
        "max_bytes, after, times, fraction, seed, status, hang_ms, key, code, message, "
        "slow_down, skew, reset, cut, corrupt, stall_ms, stall_at, change");
}

TEST(ReadFaults, RefusesWhatIsNoListOfRules) {
    EXPECT_THAT(problem_of("{"), HasSubstr("JSON array of rules"));
    EXPECT_THAT(problem_of("{}"), HasSubstr("JSON array of rules"));
    EXPECT_EQ(problem_of("[]"), "none");
}

TEST(ReadFaults, NamesTheFile) {
    EXPECT_EQ(read_faults_file("/nowhere/faults").error().detail, "/nowhere/faults cannot be read");
    prewarm::test::TemporaryFolder folder;
    const auto path = folder.file("faults.json", "[1]");
    EXPECT_EQ(read_faults_file(path).error().detail, path.string() + ": rule 1: must be an object");
}

}  // namespace
}  // namespace prewarm::sandbox
