#include "consumer/queue_terms.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// The answer of RabbitMQ 3.10 for a queue as the service declares it.
class UploadQueue : public ::testing::Test {
protected:
    Result<std::vector<std::string>> judged() const {
        return faults_of_upload_queue(boost::json::serialize(answer), topology::Names{"shop."});
    }
    std::vector<std::string> faults() const { return judged().value(); }

    void policy(boost::json::object definition) {
        answer["policy"] = "broad";
        answer["effective_policy_definition"] = std::move(definition);
    }
    boost::json::object& arguments() { return answer["arguments"].as_object(); }

    boost::json::object answer = boost::json::parse(R"({
        "arguments": {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": "shop.prewarm.dlx",
            "x-dead-letter-routing-key": "prewarm.dlq",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-delivery-limit": 50
        },
        "effective_policy_definition": {},
        "operator_policy": null,
        "policy": null
    })")
                                     .as_object();
};

TEST_F(UploadQueue, IsFineAsDeclared) {
    EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(UploadQueue, IsFineWhereNoPolicyIsAnEmptyList) {
    answer["effective_policy_definition"] = boost::json::array{};
    EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(UploadQueue, MayHaveAPolicyThatChangesNothingForUs) {
    policy({{"overflow", "reject-publish"},
            {"dead-letter-strategy", "at-least-once"},
            {"delivery-limit", 60},
            {"queue-leader-locator", "balanced"}});
    EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(UploadQueue, LosesAtLeastOnceToAPolicyOfOverflow) {
    policy({{"overflow", "drop-head"}});
    EXPECT_THAT(faults(), ElementsAre(AllOf(HasSubstr("`overflow` is drop-head by policy `broad`"),
                                            HasSubstr("not reject-publish"),
                                            HasSubstr("falls back to at-most-once dead-lettering"),
                                            HasSubstr("take it out of that policy"))));
}

TEST_F(UploadQueue, IsNotJudgedByAPolicyThatItsArgumentsOverrule) {
    policy({{"dead-letter-exchange", "elsewhere"},
            {"dead-letter-routing-key", "other"},
            {"dead-letter-strategy", "at-most-once"}});
    EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(UploadQueue, IsSubjectToPoliciesWhereItHasNoArguments) {
    arguments() = {{"x-queue-type", "quorum"}, {"x-delivery-limit", 50}};
    policy({{"dead-letter-exchange", "elsewhere"},
            {"dead-letter-routing-key", "other"},
            {"dead-letter-strategy", "at-most-once"},
            {"overflow", "reject-publish"}});
    EXPECT_THAT(
        faults(),
        ElementsAre(
            HasSubstr("`dead-letter-strategy` is at-most-once by policy `broad`, not at-least"),
            HasSubstr("`dead-letter-exchange` is elsewhere by policy `broad`, not shop.prewarm.d"),
            HasSubstr("`dead-letter-routing-key` is other by policy `broad`, not prewarm.dlq")));
}

TEST_F(UploadQueue, TellsWhatIsMissingAndThatArgumentsCannotBeChanged) {
    arguments().erase("x-overflow");
    arguments().erase("x-delivery-limit");
    EXPECT_THAT(faults(), ElementsAre(AllOf(HasSubstr("`overflow` is not set, not reject-publish"),
                                            HasSubstr("delete the queue once it is empty")),
                                      AllOf(HasSubstr("`delivery-limit` is not set"),
                                            HasSubstr("delete the queue once it is empty"))));
}

TEST_F(UploadQueue, ToleratesNeitherTimeNorLengthLimits) {
    policy({{"message-ttl", 60000}, {"max-length", 10}, {"max-length-bytes", 1024}});
    arguments()["x-expires"] = 1800000;
    EXPECT_THAT(faults(),
                ElementsAre(HasSubstr("`message-ttl` is 60000 by policy `broad`: events that wait"),
                            HasSubstr("`expires` is 1800000 by an argument of the queue: the bro"),
                            HasSubstr("`max-length` is 10 by policy `broad`: with so many events"),
                            HasSubstr("`max-length-bytes` is 1024 by policy `broad`: with so")));
}

TEST_F(UploadQueue, DeadLettersTheHealthyAtALowerDeliveryLimit) {
    policy({{"delivery-limit", 49}});
    EXPECT_THAT(faults(),
                ElementsAre(AllOf(HasSubstr("`delivery-limit` is 49 by policy `broad`, below 50"),
                                  HasSubstr("healthy events are dead-lettered"))));
}

TEST_F(UploadQueue, HasNoDeliveryLimitThatMeansOneThingHereAndAnotherThere) {
    for (const int limit : {0, -1}) {
        arguments()["x-delivery-limit"] = limit;
        EXPECT_THAT(faults(), ElementsAre(HasSubstr("dead-letter every event that goes back")));
    }
}

TEST_F(UploadQueue, NamesBothPoliciesThatMayBeMeant) {
    policy({{"max-length", 10}});
    answer["operator_policy"] = "guard";
    EXPECT_THAT(faults(), ElementsAre(HasSubstr("by policy `broad` or operator policy `guard`:")));
    answer["policy"] = nullptr;
    EXPECT_THAT(faults(), ElementsAre(HasSubstr("by operator policy `guard`:")));
}

TEST_F(UploadQueue, ShowsStrangeValuesOnOneLine) {
    policy({{"overflow", std::string(500, 'x') + "\n"}, {"delivery-limit", "many\n"}});
    for (const auto& fault : faults())
        EXPECT_THAT(fault, AllOf(Not(HasSubstr("\n")), Not(HasSubstr(std::string(101, 'x')))));
    EXPECT_EQ(faults().size(), 2U);
}

TEST(DeadLetterQueue, MayDropNothing) {
    boost::json::object answer{{"arguments", {{"x-queue-type", "quorum"}}},
                               {"effective_policy_definition", boost::json::object{}}};
    EXPECT_THAT(faults_of_dead_letter_queue(boost::json::serialize(answer)).value(), IsEmpty());

    answer["policy"] = "tidy";
    answer["effective_policy_definition"] = {
        {"message-ttl", 86'400'000}, {"max-length", 1000}, {"overflow", "drop-head"}};
    EXPECT_THAT(faults_of_dead_letter_queue(boost::json::serialize(answer)).value(),
                ElementsAre(AllOf(HasSubstr("`message-ttl` is 86400000 by policy `tidy`"),
                                  HasSubstr("dead letters vanish")),
                            HasSubstr("`max-length` is 1000 by policy `tidy`")));
}

TEST_F(UploadQueue, IsUnknownWhileTheAnswerShowsNoPolicies) {
    answer.erase("effective_policy_definition");
    EXPECT_EQ(judged().error().kind, FailureKind::transient);
}

TEST_F(UploadQueue, IsUnknownFromAnAnswerThatIsNone) {
    for (const auto* text :
         {"", "<html>", "[]", "{}", R"({"arguments":5,"effective_policy_definition":{}})",
          R"({"arguments":{},"effective_policy_definition":"none"})"}) {
        const auto unknown = faults_of_upload_queue(text, topology::Names{});
        ASSERT_FALSE(unknown) << text;
        EXPECT_EQ(unknown.error().kind, FailureKind::misconfigured) << text;
    }
}

}  // namespace
}  // namespace prewarm
