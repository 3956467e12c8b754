#include "sandbox/r2/harmed_object.hpp"

#include <gtest/gtest.h>

#include "tests/support/run_to_end.hpp"

namespace prewarm::sandbox {
namespace {

using namespace std::chrono_literals;

class Harmed : public testing::Test {
protected:
    /// What arrives of `0123456789` from `offset` on, as pieces of four; `!` where it breaks off.
    std::string read(const Fault& fault, std::uint64_t offset = 0) {
        auto left = std::make_shared<std::string>(std::string{"0123456789"}.substr(offset));
        auto piece = std::make_shared<std::string>();
        auto response = harmed(
            {.body = http::StreamedBody{.length = left->size(),
                                        .next = [left, piece]() -> Task<std::span<const char>> {
                                            *piece = left->substr(0, 4);
                                            left->erase(0, 4);
                                            co_return std::span<const char>{*piece};
                                        }}},
            fault, offset);
        auto& body = std::get<http::StreamedBody>(response.body);
        EXPECT_EQ(body.length, 10 - offset);
        std::string text;
        while (text.size() < body.length) {
            const auto bytes = prewarm::test::run_to_end(loop, body.next());
            if (!bytes) return text + '!';
            text.append(bytes->data(), bytes->size());
        }
        return text;
    }

    asio::io_context loop;
};

TEST_F(Harmed, BreaksOffAfterSoManyBytes) {
    EXPECT_EQ(read({.cut = 0}), "!");
    EXPECT_EQ(read({.cut = 6}), "012345!");
    EXPECT_EQ(read({.cut = 6}, 3), "345678!");
    EXPECT_EQ(read({.cut = 10}), "0123456789");
}

TEST_F(Harmed, TurnsOneByteOfTheObjectAround) {
    EXPECT_EQ(read({.corrupt = 5}),
              "01234\xCA"
              "6789");
    EXPECT_EQ(read({.corrupt = 5}, 5),
              "\xCA"
              "6789");
    EXPECT_EQ(read({.corrupt = 5}, 6), "6789");
}

TEST_F(Harmed, TurnsAllBytesOfAnotherObjectAround) {
    EXPECT_EQ(read({.change = true}, 8), "\xC7\xC6");
}

TEST_F(Harmed, GoesOnAfterAStall) {
    EXPECT_EQ(read({.stall_at = 5, .stall = 1ms}), "0123456789");
    EXPECT_EQ(read({.cut = 7, .stall_at = 5, .stall = 1ms}), "0123456!");
}

TEST_F(Harmed, GivesADifferentETagInTheSameForm) {
    const std::string etag = "\"9a0364b9e99bb480dd25e1f0284c8555\"";
    const auto changed = changed_etag(etag);
    EXPECT_NE(changed, etag);
    EXPECT_EQ(changed, "\"ab1475cafaacc591ee36f201395d9666\"");
}

}  // namespace
}  // namespace prewarm::sandbox
