#include "consumer/dependencies.hpp"

#include <map>
#include <optional>
#include <set>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/runtime/task_group.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class DependenciesTest : public ::testing::Test {
protected:
    void watch(Dependency dependency) {
        watches.spawn(dependencies.watch(dependency, 24h, [this, dependency]() -> Task<> {
            ++questions[dependency];
            if (failing.contains(dependency)) co_return Failure{FailureKind::unavailable, "gone"};
            co_return Result<>{};
        }));
    }
    void watch_all() {
        for (const auto dependency : all_dependencies)
            watch(dependency);
        settle();
    }
    void settle() {
        loop.restart();
        loop.poll();
    }
    bool is_down(Dependency dependency, std::string content = "one") {
        std::optional<bool> answer;
        TaskGroup asking{loop.get_executor()};
        asking.spawn([](auto& all, auto which, auto failed, auto& into) -> asio::awaitable<void> {
            into = co_await all.is_down(which, failed);
        }(dependencies, dependency, MediaKey{.sha256 = sha256_of(content)}, answer));
        settle();
        EXPECT_TRUE(answer);
        return answer.value_or(false);
    }
    void TearDown() override {
        watches.cancel_all();
        settle();
    }

    asio::io_context loop;
    metrics::Registry metrics;
    Dependencies dependencies{loop.get_executor(), metrics};
    TaskGroup watches{loop.get_executor()};
    std::map<Dependency, int> questions;
    std::set<Dependency> failing;
};

TEST_F(DependenciesTest, TakesThemForAwayUntilTheyHaveAnswered) {
    ASSERT_TRUE(dependencies.away());
    watch_all();
    EXPECT_FALSE(dependencies.away());
}

TEST_F(DependenciesTest, AsksAtOnceWhenAJobWasFailed) {
    watch_all();
    EXPECT_FALSE(is_down(Dependency::r2));
    EXPECT_EQ(questions[Dependency::r2], 2);
    EXPECT_FALSE(dependencies.away());

    failing = {Dependency::r2};
    EXPECT_TRUE(is_down(Dependency::r2));
    EXPECT_EQ(questions[Dependency::r2], 3);
    EXPECT_EQ(dependencies.away()->source, Dependency::r2);
    EXPECT_THAT(dependencies.away()->detail, HasSubstr("gone"));
    EXPECT_THAT(metrics.text(), HasSubstr(R"(prewarm_breaker_open{name="r2"} 1)"));
    EXPECT_THAT(metrics.text(), HasSubstr(R"(prewarm_breaker_open{name="redis"} 0)"));
}

TEST_F(DependenciesTest, AsksNobodyWhoIsKnownToBeAway) {
    failing = {Dependency::redis};
    watch_all();
    EXPECT_TRUE(is_down(Dependency::redis));
    EXPECT_TRUE(is_down(Dependency::redis));
}

TEST_F(DependenciesTest, TellsOfEveryChange) {
    int changes = 0;
    dependencies.on_change = [&] { ++changes; };
    watch_all();
    EXPECT_EQ(changes, 5);
    failing = {Dependency::telegram};
    EXPECT_TRUE(is_down(Dependency::telegram));
    EXPECT_EQ(changes, 6);
    EXPECT_FALSE(is_down(Dependency::r2));
    EXPECT_EQ(changes, 6);
}

TEST_F(DependenciesTest, BelievesNobodyWhoFailsOneMediaAfterTheOther) {
    watch_all();
    for (const auto* content : {"a", "b", "c", "d", "d", "d"})
        EXPECT_FALSE(is_down(Dependency::telegram, content));
    EXPECT_TRUE(is_down(Dependency::telegram, "e"));
    EXPECT_EQ(dependencies.away()->source, Dependency::telegram);
}

TEST_F(DependenciesTest, BlamesNobodyWhoServesOthersInBetween) {
    watch_all();
    for (const auto* content : {"a", "b", "c", "d", "e", "f"}) {
        EXPECT_FALSE(is_down(Dependency::telegram, content));
        dependencies.works(Dependency::telegram);
    }
}

}  // namespace
}  // namespace prewarm
