#include "sandbox/r2/conditions.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sandbox/requests.hpp"

namespace prewarm::sandbox {
namespace {

std::optional<unsigned> unmet(std::string method, std::string header, std::string value,
                              std::optional<std::string_view> etag = "\"abc\"") {
    test::Asked asked{std::move(method), "/b/k"};
    asked.add_header(std::move(header), std::move(value));
    return unmet_condition(asked.request, etag);
}

TEST(Conditions, IfMatchHoldsForTheObjectsTag) {
    for (const auto* const tag : {"\"abc\"", "abc", "*", "\"x\", \"abc\""})
        EXPECT_EQ(unmet("GET", "If-Match", tag), std::nullopt) << tag;
}

TEST(Conditions, IfMatchFailsForAnotherTagOrNoObject) {
    EXPECT_EQ(unmet("GET", "If-Match", "\"abcd\""), 412U);
    EXPECT_EQ(unmet("GET", "If-Match", ""), 412U);
    EXPECT_EQ(unmet("PUT", "If-Match", "*", std::nullopt), 412U);
}

TEST(Conditions, IfNoneMatchIsNotModifiedForReaders) {
    EXPECT_EQ(unmet("GET", "If-None-Match", "\"abc\""), 304U);
    EXPECT_EQ(unmet("HEAD", "If-None-Match", "W/\"abc\""), 304U);
    EXPECT_EQ(unmet("GET", "If-None-Match", "\"x\""), std::nullopt);
}

TEST(Conditions, IfNoneMatchKeepsWritersFromReplacing) {
    EXPECT_EQ(unmet("PUT", "If-None-Match", "*"), 412U);
    EXPECT_EQ(unmet("PUT", "If-None-Match", "*", std::nullopt), std::nullopt);
}

}  // namespace
}  // namespace prewarm::sandbox
