#include "common/s3/error_body.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::s3 {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

http::ResponseHead answer(int status) {
    return {.status = status, .headers = {}};
}

std::string xml(std::string_view code) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>" + std::string{code} +
           "</Code><Message>In words.</Message><RequestId>1</RequestId></Error>";
}

FailureKind kind(int status, std::string_view code) {
    return failure_of(answer(status), xml(code), "GET b/k").kind;
}

TEST(ErrorBody, SaysWhoCanMendIt) {
    EXPECT_EQ(kind(404, "NoSuchKey"), FailureKind::not_found);
    EXPECT_EQ(kind(404, "NoSuchBucket"), FailureKind::misconfigured);
    EXPECT_EQ(kind(403, "SignatureDoesNotMatch"), FailureKind::misconfigured);
    EXPECT_EQ(kind(403, "InvalidAccessKeyId"), FailureKind::misconfigured);
    EXPECT_EQ(kind(403, "AccessDenied"), FailureKind::misconfigured);
    EXPECT_EQ(kind(400, "RequestTimeTooSkewed"), FailureKind::misconfigured);
    EXPECT_EQ(kind(412, "PreconditionFailed"), FailureKind::mismatch);
    EXPECT_EQ(kind(416, "InvalidRange"), FailureKind::mismatch);
    EXPECT_EQ(kind(400, "XAmzContentSHA256Mismatch"), FailureKind::mismatch);
    EXPECT_EQ(kind(503, "SlowDown"), FailureKind::throttled);
    EXPECT_EQ(kind(503, "ServiceUnavailable"), FailureKind::unavailable);
    EXPECT_EQ(kind(500, "InternalError"), FailureKind::unavailable);
    EXPECT_EQ(kind(400, "EntityTooLarge"), FailureKind::too_large);
    EXPECT_EQ(kind(400, "KeyTooLongError"), FailureKind::refused);
}

TEST(ErrorBody, FallsBackToTheStatusWhereThereIsNoXml) {
    const auto of = [](int status) { return failure_of(answer(status), "", "HEAD b/k").kind; };
    EXPECT_EQ(of(404), FailureKind::not_found);
    EXPECT_EQ(of(403), FailureKind::misconfigured);
    EXPECT_EQ(of(412), FailureKind::mismatch);
    EXPECT_EQ(of(429), FailureKind::throttled);
    EXPECT_EQ(of(500), FailureKind::unavailable);
    EXPECT_EQ(of(502), FailureKind::unavailable);
    EXPECT_EQ(of(503), FailureKind::unavailable);
    EXPECT_EQ(of(504), FailureKind::unavailable);
    EXPECT_EQ(of(302), FailureKind::misconfigured);
}

TEST(ErrorBody, TellsPeopleWhatHappened) {
    EXPECT_EQ(failure_of(answer(404), xml("NoSuchKey"), "GET b/k").detail,
              "GET b/k: HTTP 404 NoSuchKey: In words.");
}

TEST(ErrorBody, PassesOnHowLongToWait) {
    const http::ResponseHead busy{.status = 503, .headers = {{"retry-after", "7"}}};
    EXPECT_EQ(failure_of(busy, xml("SlowDown"), "GET b/k").retry_after, 7s);
    EXPECT_EQ(failure_of(busy, xml("InternalError"), "GET b/k").retry_after, std::nullopt);
}

TEST(ErrorBody, DoesNotTellWhatWasSigned) {
    const auto failure =
        failure_of(answer(403),
                   "<Error><Code>SignatureDoesNotMatch</Code><Message>No.</Message>"
                   "<AWSAccessKeyId>AKIA</AWSAccessKeyId>"
                   "<StringToSign>AWS4 signed</StringToSign></Error>",
                   "GET b/k");
    EXPECT_THAT(failure.detail, Not(HasSubstr("AKIA")));
    EXPECT_THAT(failure.detail, Not(HasSubstr("signed")));
}

TEST(ErrorBody, BelievesNoProxyThatAnObjectIsMissing) {
    EXPECT_EQ(failure_of(answer(404), "default backend - 404", "GET b/k").kind,
              FailureKind::misconfigured);
}

TEST(ErrorBody, SurvivesHostileXml) {
    std::string laughs =
        "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">"
        "<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Error><Code>NoSuchKey</Code>"
        "<Message>&b;&x;</Message></Error>";
    const auto failure = failure_of(answer(404), laughs, "GET b/k");
    EXPECT_EQ(failure.kind, FailureKind::not_found);
    EXPECT_THAT(failure.detail, Not(HasSubstr("root")));
    EXPECT_THAT(failure.detail, Not(HasSubstr("hahaha")));

    std::string deep;
    for (int i = 0; i < 300'000; ++i)
        deep += "<a>";
    EXPECT_EQ(failure_of(answer(500), deep, "GET b/k").kind, FailureKind::unavailable);

    EXPECT_EQ(failure_of(answer(404), std::string_view{"\0<Er\xff\xfe", 6}, "GET b/k").kind,
              FailureKind::misconfigured);
}

TEST(ErrorBody, KeepsItsDetailShortAndOnOneLine) {
    const auto failure = failure_of(
        answer(400),
        "<Error><Code>A\nB</Code><Message>" + std::string(9000, 'm') + "</Message></Error>",
        "GET b/k");
    EXPECT_THAT(failure.detail, Not(HasSubstr("\n")));
    EXPECT_LT(failure.detail.size(), 500U);
}

}  // namespace
}  // namespace prewarm::s3
