#include "common/metrics/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::metrics {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(Registry, SpeaksTheContractsNames) {
    Registry registry;
    registry.job_ended("ready", MediaKind::video_note);
    registry.stage_took(Stage::r2_first_byte, 3ms);
    registry.set_jobs_in_flight(1, 4);
    registry.set_queue_depth("prewarm", 12);
    registry.set_queue_policy_wrong("prewarm", true);
    registry.downloaded(1000);
    registry.asked_download_cache("shared");
    const auto text = registry.text();
    EXPECT_THAT(text, HasSubstr(R"(prewarm_jobs_total{kind="video_note",outcome="ready"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(prewarm_job_duration_seconds_count{stage="r2_first_byte"} 1)"));
    EXPECT_THAT(text, HasSubstr("prewarm_utilization_ratio 0.25"));
    EXPECT_THAT(text, HasSubstr(R"(prewarm_queue_depth{queue="prewarm"} 12)"));
    EXPECT_THAT(text, HasSubstr(R"(prewarm_queue_policy_wrong{queue="prewarm"} 1)"));
    EXPECT_THAT(text, HasSubstr(R"(prewarm_transferred_bytes_total{direction="download"} 1000)"));
    EXPECT_THAT(text, HasSubstr(R"(prewarm_download_cache_requests_total{result="shared"} 1)"));
    EXPECT_THAT(text, HasSubstr("prewarm_build_info{version=\"" PREWARM_VERSION "\"} 1"));
}

TEST(Registry, FindsQuantilesInTheirBucket) {
    Registry registry;
    for (int i = 0; i < 98; ++i)
        registry.stage_took(Stage::total, 15ms);  // in (0.01, 0.02]
    for (int i = 0; i < 2; ++i)
        registry.stage_took(Stage::total, 700ms);  // in (0.5, 1]
    const auto [p50, p95, p99] = registry.quantiles(Stage::total);
    EXPECT_NEAR(p50.count(), 0.0151, 0.0001);
    EXPECT_NEAR(p95.count(), 0.0197, 0.0001);
    EXPECT_NEAR(p99.count(), 0.75, 0.0001);
}

TEST(Registry, HasNoQuantilesOfNothing) {
    EXPECT_EQ(Registry{}.quantiles(Stage::total).p99.count(), 0);
}

TEST(Registry, SumsOverLabels) {
    Registry registry;
    registry.job_ended("ready", MediaKind::photo);
    registry.job_ended("ready", MediaKind::video);
    registry.dead_lettered("TOO_LARGE");
    registry.dead_lettered("UNDECODABLE");
    EXPECT_EQ(registry.totals().ready, 2U);
    EXPECT_EQ(registry.totals().dead_lettered, 2U);
}

}  // namespace
}  // namespace prewarm::metrics
