#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/http/server.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::http {
namespace {

using testing::ElementsAre;
using testing::Pair;

/// Gives its pieces, then a failure if there is one.
class PiecewiseBody final : public RequestBody {
public:
    explicit PiecewiseBody(std::vector<std::string> pieces) : pieces_{std::move(pieces)} {}

    std::optional<std::uint64_t> length() const override { return announced; }
    Task<std::span<const char>> read_some() override {
        if (next_ < pieces_.size()) co_return std::span<const char>{pieces_[next_++]};
        if (failure) co_return *failure;
        co_return std::span<const char>{};
    }

    std::optional<std::uint64_t> announced;
    std::optional<Failure> failure;

private:
    std::vector<std::string> pieces_;
    std::size_t next_ = 0;
};

class ReadAll : public testing::Test {
protected:
    Result<std::string> read(PiecewiseBody& body, std::size_t limit) {
        return test::run_to_end(loop, body.read_all(limit));
    }
    asio::io_context loop;
};

TEST_F(ReadAll, JoinsThePieces) {
    PiecewiseBody body{{"ab", "c", "def"}};
    EXPECT_EQ(read(body, 6).value(), "abcdef");
}

TEST_F(ReadAll, RefusesAByteOverTheLimit) {
    PiecewiseBody body{{"ab", "c", "def"}};
    EXPECT_EQ(read(body, 5).error().kind, FailureKind::too_large);
}

TEST_F(ReadAll, RefusesWhatIsAnnouncedAsTooLargeWithoutReadingIt) {
    PiecewiseBody body{{}};
    body.announced = 6;
    body.failure = Failure{FailureKind::transient, "it was read"};
    EXPECT_EQ(read(body, 5).error().kind, FailureKind::too_large);
}

TEST_F(ReadAll, PassesOnThatTheClientHungUp) {
    PiecewiseBody body{{"ab"}};
    body.failure = Failure{FailureKind::transient, "gone"};
    EXPECT_EQ(read(body, 5).error().detail, "gone");
}

TEST(Request, FindsHeadersInAnyCase) {
    Request request;
    request.headers = {{"X-First", "1"}, {"x-first", "2"}};
    EXPECT_EQ(request.header("X-FIRST"), "1");
    EXPECT_EQ(request.header("x-firs"), std::nullopt);
}

TEST(Request, FindsParametersAsTheyAreSpelled) {
    Request request;
    request.query = {{"a", ""}, {"A", "1"}};
    EXPECT_EQ(request.parameter("a"), "");
    EXPECT_EQ(request.parameter("A"), "1");
    EXPECT_EQ(request.parameter("b"), std::nullopt);
}

TEST(ParseForm, DecodesNamesAndValuesInOrder) {
    EXPECT_THAT(
        parse_form("b=1+2%2B3&a%20b=%C3%A4&c=&d").value(),
        ElementsAre(Pair("b", "1 2+3"), Pair("a b", "\xC3\xA4"), Pair("c", ""), Pair("d", "")));
}

TEST(ParseForm, ReadsNothingBehindItsText) {
    EXPECT_THAT(parse_form(std::string_view{"a=%26&b=2"}.substr(0, 5)).value(),
                ElementsAre(Pair("a", "&")));
}

TEST(ParseForm, KeepsEqualsSignsOfAValue) {
    EXPECT_THAT(parse_form("q=a=b").value(), ElementsAre(Pair("q", "a=b")));
}

TEST(ParseForm, HasNothingInNothing) {
    EXPECT_TRUE(parse_form("").value().empty());
}

TEST(ParseForm, RefusesBrokenEscapes) {
    for (const auto* const text : {"a=%", "a=%2", "a=%zz", "a=\xC3"})
        EXPECT_EQ(parse_form(text).error().kind, FailureKind::refused) << text;
}

TEST(HttpDate, IsAsRfc9110WritesIt) {
    EXPECT_EQ(http_date(std::chrono::system_clock::from_time_t(784111777)),
              "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace prewarm::http
