#include "consumer/intake/event_headers.hpp"

#include <gmock/gmock.h>

namespace prewarm {
namespace {

using testing::MatchesRegex;

constexpr auto trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr auto now_or_so = "20[0-9-]+T[0-9:.]+Z";

Upload read(const amqp::FieldTable& headers) {
    Upload upload;
    read_event_headers(headers, upload);
    return upload;
}

TEST(EventHeaders, AreKept) {
    amqp::FieldTable headers;
    headers.set("traceparent", trace);
    headers.set("x-prewarm-first-seen", "2026-11-20T00:00:00.000Z");
    headers.set("x-prewarm-replays", std::int64_t{3});
    const auto upload = read(headers);
    EXPECT_EQ(upload.traceparent, trace);
    EXPECT_EQ(upload.first_seen, "2026-11-20T00:00:00.000Z");
    EXPECT_EQ(upload.replays, 3);
}

TEST(EventHeaders, OfANewEventSayThatItIsSeenNow) {
    const auto upload = read({});
    EXPECT_EQ(upload.traceparent, "");
    EXPECT_THAT(upload.first_seen, MatchesRegex(now_or_so));
    EXPECT_EQ(upload.replays, 0);
}

TEST(EventHeaders, ThatAreNotWellFormedCountAsAbsent) {
    using namespace std::string_literals;
    for (const auto& text : {"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"s, "\0"s,
                             std::string(55, '0'), std::string(100'000, '1')}) {
        amqp::FieldTable headers;
        headers.set("traceparent", text);
        headers.set("x-prewarm-first-seen", text);
        headers.set("x-prewarm-replays", std::int64_t{-1});
        const auto upload = read(headers);
        EXPECT_EQ(upload.traceparent, "");
        EXPECT_THAT(upload.first_seen, MatchesRegex(now_or_so));
        EXPECT_EQ(upload.replays, 0);
    }
}

}  // namespace
}  // namespace prewarm
