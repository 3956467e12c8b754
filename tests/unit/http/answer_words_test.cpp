#include <gtest/gtest.h>

#include "common/http/client.hpp"
#include "common/http/curl_failure.hpp"

namespace prewarm::http {
namespace {

using namespace std::chrono_literals;

TEST(ResponseHead, ReadsNumbersFromItsHeaders) {
    const ResponseHead head{.status = 429,
                            .headers = {{"content-length", "12"}, {"retry-after", "31"}}};
    EXPECT_EQ(head.content_length(), 12U);
    EXPECT_EQ(head.retry_after(), 31s);
    EXPECT_EQ(head.header("etag"), std::nullopt);
}

TEST(ResponseHead, DoesNotGuessWhatANumberMeans) {
    const ResponseHead head{.status = 200,
                            .headers = {{"content-length", "12, 12"},
                                        {"retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"}}};
    EXPECT_EQ(head.content_length(), std::nullopt);
    EXPECT_EQ(head.retry_after(), std::nullopt);
}

TEST(ResponseHead, BoundsTheWaitThatIsAskedOfUs) {
    const ResponseHead head{.status = 429, .headers = {{"retry-after", "18446744073709551615"}}};
    EXPECT_EQ(head.retry_after(), 365 * 24h);
}

TEST(FailureOfAStatus, SaysWhatCanBeDone) {
    const auto kind = [](int status) {
        return failure_of(ResponseHead{.status = status, .headers = {}}, "GET x").kind;
    };
    EXPECT_EQ(kind(302), FailureKind::misconfigured);
    EXPECT_EQ(kind(400), FailureKind::refused);
    EXPECT_EQ(kind(401), FailureKind::misconfigured);
    EXPECT_EQ(kind(404), FailureKind::not_found);
    EXPECT_EQ(kind(408), FailureKind::transient);
    EXPECT_EQ(kind(413), FailureKind::too_large);
    EXPECT_EQ(kind(429), FailureKind::throttled);
    EXPECT_EQ(kind(502), FailureKind::unavailable);
}

TEST(FailureOfACurlCode, TellsAServerThatIsAwayFromABrokenConnection) {
    EXPECT_EQ(failure_of(CURLE_COULDNT_CONNECT, "").kind, FailureKind::unavailable);
    EXPECT_EQ(failure_of(CURLE_OPERATION_TIMEDOUT, "").kind, FailureKind::unavailable);
    EXPECT_EQ(failure_of(CURLE_PEER_FAILED_VERIFICATION, "").kind, FailureKind::misconfigured);
    EXPECT_EQ(failure_of(CURLE_RECV_ERROR, "").kind, FailureKind::transient);
    EXPECT_EQ(failure_of(CURLE_PARTIAL_FILE, "short").detail, "short (curl 18)");
}

TEST(SinkIntoText, StopsAtItsBound) {
    std::string text;
    const auto sink = sink_into(text, 5);
    EXPECT_TRUE(sink({}, std::string_view{"abcde"}));
    EXPECT_FALSE(sink({}, std::string_view{"f"}));
    EXPECT_EQ(text, "abcde");
}

}  // namespace
}  // namespace prewarm::http
