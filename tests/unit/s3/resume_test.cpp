#include "common/s3/resume.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::s3 {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class ResumePlanTest : public testing::Test {
protected:
    std::optional<std::chrono::milliseconds> breaks(std::uint64_t at,
                                                    FailureKind kind = FailureKind::transient) {
        return plan.after({kind, "it broke"}, at, now);
    }
    std::optional<std::chrono::milliseconds> is_asked_to_wait(std::chrono::milliseconds time) {
        return plan.after({FailureKind::throttled, "busy", time}, 0, now);
    }

    ResumeLimits limits{.most_in_vain = 3,
                        .progress_bytes = 1000,
                        .first_pause = 100ms,
                        .longest_pause = 5s,
                        .longest_outage = 20s};
    Deadline now{1h};
    ResumePlan plan{limits, now + 10min};
};

TEST_F(ResumePlanTest, WaitsLongerEachTime) {
    EXPECT_EQ(breaks(500), 100ms);
    EXPECT_EQ(breaks(500), 200ms);
    EXPECT_EQ(breaks(500), 400ms);
}

TEST_F(ResumePlanTest, EndsAfterSoManyTriesInVain) {
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(breaks(500));
    EXPECT_FALSE(breaks(500));
}

TEST_F(ResumePlanTest, CountsAnewAfterProgress) {
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(breaks(500));
    EXPECT_EQ(breaks(1500), 100ms);
}

TEST_F(ResumePlanTest, TakesAFewBytesForNoProgress) {
    for (std::uint64_t at = 0; at < 3; ++at)
        EXPECT_TRUE(breaks(at));
    EXPECT_FALSE(breaks(999));
}

TEST_F(ResumePlanTest, CountsTricklesTogether) {
    for (std::uint64_t at = 400; at < 40'000; at += 400)
        EXPECT_TRUE(breaks(at)) << at;
}

TEST_F(ResumePlanTest, GoesOnOnlyWhereThatMayHelp) {
    EXPECT_TRUE(breaks(0, FailureKind::unavailable));
    EXPECT_TRUE(breaks(0, FailureKind::throttled));
    for (const auto kind : {FailureKind::misconfigured, FailureKind::not_found,
                            FailureKind::mismatch, FailureKind::too_large, FailureKind::refused})
        EXPECT_FALSE(breaks(0, kind)) << name_of(kind);
}

TEST_F(ResumePlanTest, WaitsAsLongAsItIsAsked) {
    EXPECT_EQ(is_asked_to_wait(3s), 3s);
}

TEST_F(ResumePlanTest, NeverComesBackSoonerThanItWould) {
    EXPECT_EQ(is_asked_to_wait(0s), 100ms);
}

TEST_F(ResumePlanTest, LeavesALongWaitToTheJob) {
    EXPECT_FALSE(is_asked_to_wait(6s));
}

TEST_F(ResumePlanTest, BoundsItsOwnPauses) {
    limits = {.most_in_vain = 100, .first_pause = 100ms, .longest_pause = 1s};
    plan = {limits, now + 10min};
    std::chrono::milliseconds pause{0};
    for (int i = 0; i < 100; ++i)
        pause = *breaks(0);
    EXPECT_EQ(pause, 1s);
}

TEST_F(ResumePlanTest, EndsWhenTheOutageLasts) {
    EXPECT_TRUE(breaks(500));
    now += 19s;
    EXPECT_TRUE(breaks(500));
    now += 1s;
    EXPECT_FALSE(breaks(500));
}

TEST_F(ResumePlanTest, StartsNothingThatWouldBeginAfterItsDeadline) {
    now += 10min;
    EXPECT_FALSE(breaks(500));
}

TEST(Etag, IsStrongOnlyInQuotes) {
    EXPECT_TRUE(is_strong("\"900150983cd24fb0\""));
    EXPECT_TRUE(is_strong("\"900150983cd24fb0-7\""));
    EXPECT_FALSE(is_strong("W/\"900150983cd24fb0\""));
    EXPECT_FALSE(is_strong(""));
    EXPECT_FALSE(is_strong("\""));
    EXPECT_FALSE(is_strong("bare"));
    EXPECT_FALSE(is_strong("\"a\", \"b\""));
    EXPECT_FALSE(is_strong("\"a\tb\""));
}

TEST(HeadersForRest, NameTheVersionIfThatIsPossible) {
    EXPECT_THAT(headers_for_rest({10, "\"a\""}, 4),
                ElementsAre(Pair("if-match", "\"a\""), Pair("range", "bytes=4-")));
    EXPECT_THAT(headers_for_rest({10, "W/\"a\""}, 4), ElementsAre(Pair("range", "bytes=4-")));
}

TEST(HeadersForRange, NameItsFirstAndLastByte) {
    EXPECT_THAT(headers_for_range({10, "\"a\""}, 4, 3),
                ElementsAre(Pair("if-match", "\"a\""), Pair("range", "bytes=4-6")));
}

TEST(RangeThatCame, IsTheOneThatWasAskedFor) {
    const Version version{10, "\"a\""};
    const auto kind_of = [&](int status, std::vector<http::Header> headers) {
        const auto is_it =
            is_range({.status = status, .headers = std::move(headers)}, version, 4, 3, "GET b/k");
        return is_it ? std::nullopt : std::optional{is_it.error().kind};
    };
    EXPECT_EQ(kind_of(206, {{"content-range", "bytes 4-6/10"}}), std::nullopt);
    EXPECT_EQ(kind_of(206, {{"content-range", "bytes 4-7/10"}}), FailureKind::transient);
    EXPECT_EQ(kind_of(206, {{"content-range", "bytes 3-6/10"}}), FailureKind::transient);
    EXPECT_EQ(kind_of(206, {{"content-range", "bytes 4-6/11"}}), FailureKind::mismatch);
    EXPECT_EQ(kind_of(206, {{"etag", "\"b\""}, {"content-range", "bytes 4-6/10"}}),
              FailureKind::mismatch);
    EXPECT_EQ(kind_of(200, {{"content-length", "10"}}), FailureKind::transient);
}

TEST(ContentRangeTest, IsReadInItsOneForm) {
    EXPECT_EQ(content_range_of("bytes 4-9/10"), (ContentRange{4, 9, 10}));
    for (const auto* text : {"", "bytes", "bytes 4-9", "bytes 4-9/*", "bytes */10", "bytes 4-9/10 ",
                             "bytes 4-9/10,", "bytes 9-4/10", "bytes 4-10/10", "bytes -1-9/10",
                             "bytes 4 -9/10", "items 4-9/10", "bytes 4-9/99999999999999999999"})
        EXPECT_EQ(content_range_of(text), std::nullopt) << text;
}

class BeginningOfRest : public testing::Test {
protected:
    static constexpr std::uint64_t first = 4;

    Result<std::uint64_t> of(int status, std::vector<http::Header> headers) const {
        return beginning_of_rest({.status = status, .headers = std::move(headers)}, version, first,
                                 "GET b/k");
    }
    void expect_failure(FailureKind kind, int status, std::vector<http::Header> headers) const {
        const auto begins = of(status, std::move(headers));
        ASSERT_FALSE(begins);
        EXPECT_EQ(begins.error().kind, kind) << begins.error().detail;
        EXPECT_THAT(begins.error().detail, HasSubstr("GET b/k"));
    }

    Version version{10, "\"a\""};
};

TEST_F(BeginningOfRest, IsWhereItWasAskedFor) {
    EXPECT_EQ(of(206, {{"etag", "\"a\""}, {"content-range", "bytes 4-9/10"}}), 4U);
}

TEST_F(BeginningOfRest, IsThatOfAllFromAServerThatKnowsNoRanges) {
    EXPECT_EQ(of(200, {{"etag", "\"a\""}, {"content-length", "10"}}), 0U);
}

TEST_F(BeginningOfRest, NeedsNoEtag) {
    EXPECT_EQ(of(206, {{"content-range", "bytes 4-9/10"}}), 4U);
    version.etag = "";
    EXPECT_EQ(of(206, {{"etag", "\"b\""}, {"content-range", "bytes 4-9/10"}}), 4U);
}

TEST_F(BeginningOfRest, TakesAnEtagThatHasBecomeWeakForTheSame) {
    EXPECT_EQ(of(206, {{"etag", "W/\"a\""}, {"content-range", "bytes 4-9/10"}}), 4U);
}

TEST_F(BeginningOfRest, IsNoneOfAnotherObject) {
    expect_failure(FailureKind::mismatch, 206,
                   {{"etag", "\"b\""}, {"content-range", "bytes 4-9/10"}});
    expect_failure(FailureKind::mismatch, 206, {{"content-range", "bytes 4-10/11"}});
    expect_failure(FailureKind::mismatch, 200, {{"etag", "\"b\""}, {"content-length", "10"}});
    expect_failure(FailureKind::mismatch, 200, {{"content-length", "11"}});
}

TEST_F(BeginningOfRest, IsNoneOfAPartThatWasNotAskedFor) {
    expect_failure(FailureKind::transient, 206, {{"content-range", "bytes 3-9/10"}});
    expect_failure(FailureKind::transient, 206, {{"content-range", "bytes 5-9/10"}});
    expect_failure(FailureKind::transient, 206, {{"content-range", "bytes 4-8/10"}});
}

TEST_F(BeginningOfRest, IsNotGuessed) {
    expect_failure(FailureKind::transient, 206, {{"content-length", "6"}});
    expect_failure(FailureKind::transient, 206, {{"content-range", "bytes */10"}});
    expect_failure(FailureKind::transient, 200, {});
}

}  // namespace
}  // namespace prewarm::s3
