#include "sandbox/faults/fault_matcher.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "sandbox/faults/read_faults.hpp"

namespace prewarm::sandbox {
namespace {

class FaultMatcherTest : public testing::Test {
protected:
    void script(std::string_view json) {
        auto faults = read_faults(json);
        ASSERT_TRUE(faults) << faults.error().detail;
        matcher.use(std::move(*faults));
    }

    /// What is answered, 0 for the real thing, to so many requests.
    std::vector<unsigned> statuses(const FaultQuery& query, int requests) {
        std::vector<unsigned> statuses;
        for (int i = 0; i < requests; ++i)
            statuses.push_back(status(query));
        return statuses;
    }
    unsigned status(const FaultQuery& query) {
        const auto fault = matcher.match(query);
        return fault ? fault->status : 0;
    }

    using Statuses = std::vector<unsigned>;
    FaultMatcher matcher;
    const FaultQuery video{
        .bot_id = 7, .chat_id = -100, .method = "sendVideo", .bytes = 5000, .body_is_read = true};
    const FaultQuery object{.side = FaultSide::r2, .method = "GET", .key = "a/b", .bytes = 5000};
};

TEST_F(FaultMatcherTest, LetsAllPassWithoutRules) {
    EXPECT_FALSE(matcher.match(video));
    EXPECT_FALSE(matcher.match(object));
}

TEST_F(FaultMatcherTest, TakesTheFirstRuleThatFits) {
    script(R"([{"side": "r2", "status": 501},
               {"side": "telegram", "method": "SENDVIDEO", "status": 502},
               {"side": "telegram", "status": 503}])");
    EXPECT_EQ(status(video), 502U);
    auto photo = video;
    photo.method = "sendPhoto";
    EXPECT_EQ(status(photo), 503U);
    EXPECT_EQ(status(object), 501U);
}

TEST_F(FaultMatcherTest, AsksForAllThatARuleNames) {
    script(R"([{"side": "telegram", "bot": 7, "chat": -100, "min_bytes": 5000, "max_bytes": 5000,
                "status": 500}])");
    EXPECT_EQ(status(video), 500U);
    for (const auto& change : std::vector<std::function<void(FaultQuery&)>>{
             [](auto& query) { query.bot_id = 8; },
             [](auto& query) { query.bot_id.reset(); },
             [](auto& query) { query.chat_id = 100; },
             [](auto& query) { query.bytes = 4999; },
             [](auto& query) { query.bytes = 5001; },
             [](auto& query) { query.bytes.reset(); },
         }) {
        auto other = video;
        change(other);
        EXPECT_EQ(status(other), 0U);
    }
}

TEST_F(FaultMatcherTest, AsksForTheBeginningOfAKey) {
    script(R"([{"side": "r2", "key": "a/", "status": 500}])");
    EXPECT_EQ(status(object), 500U);
    auto other = object;
    other.key = "b/a/";
    EXPECT_EQ(status(other), 0U);
}

TEST_F(FaultMatcherTest, HarmsABodyWhereThereIsOne) {
    script(R"([{"side": "r2", "corrupt": 0}])");
    for (const auto* const method : {"PUT", "HEAD", "DELETE"}) {
        auto other = object;
        other.method = method;
        EXPECT_FALSE(matcher.match(other)) << method;
    }
    EXPECT_EQ(matcher.match(object)->corrupt, 0U);
    script(R"([{"side": "r2", "change": true}])");
    auto head = object;
    head.method = "HEAD";
    EXPECT_TRUE(matcher.match(head)->change);
}

TEST_F(FaultMatcherTest, LetsTheFirstPassAndStopsInTime) {
    script(R"([{"side": "r2", "after": 2, "times": 2, "status": 500},
               {"side": "r2", "times": 1, "status": 503}])");
    EXPECT_EQ(statuses(object, 6), (Statuses{503, 0, 500, 500, 0, 0}));
    EXPECT_EQ(matcher.counts(), boost::json::parse(R"([
        {"rule": 1, "matched": 6, "played": 2}, {"rule": 2, "matched": 4, "played": 1}])"));
}

TEST_F(FaultMatcherTest, PlaysAFractionByLotsThatTheSeedDecides) {
    const auto of_seed = [&](int seed) {
        script(R"([{"name": "some", "side": "r2", "fraction": 0.25, "status": 500, "seed": )" +
               std::to_string(seed) + "}]");
        return statuses(object, 1000);
    };
    const auto first = of_seed(1);
    const auto played = std::ranges::count(first, 500U);
    EXPECT_GT(played, 200);
    EXPECT_LT(played, 300);
    EXPECT_EQ(of_seed(1), first);
    EXPECT_NE(of_seed(2), first);
    EXPECT_EQ(matcher.counts().at(0).at("name"), "some");
}

TEST_F(FaultMatcherTest, AsksNothingOfAFractionOfNone) {
    script(R"([{"side": "r2", "fraction": 0, "status": 500}])");
    EXPECT_EQ(statuses(object, 3), (Statuses{0, 0, 0}));
}

TEST_F(FaultMatcherTest, BreaksABodyOffBeforeItWasReadAndPlaysTheRestAfter) {
    script(R"([{"side": "telegram", "status": 500}, {"side": "telegram", "reset": "middle"}])");
    auto unread = video;
    unread.body_is_read = false;
    EXPECT_EQ(matcher.match(unread)->break_off, BreakOff::middle);
    EXPECT_EQ(matcher.match(video)->status, 500U);
    script(R"([{"side": "telegram", "reset": "after"}])");
    EXPECT_FALSE(matcher.match(unread));
    EXPECT_EQ(matcher.match(video)->break_off, BreakOff::after);
}

TEST_F(FaultMatcherTest, ForgetsItsRulesWithTheirCounts) {
    script(R"([{"side": "r2", "status": 500}])");
    EXPECT_EQ(status(object), 500U);
    matcher.use({});
    EXPECT_EQ(status(object), 0U);
    EXPECT_EQ(matcher.counts(), boost::json::array{});
    EXPECT_EQ(matcher.source(), boost::json::array{});
}

}  // namespace
}  // namespace prewarm::sandbox
