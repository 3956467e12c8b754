#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <variant>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gmock/gmock.h>

#include "tests/integration/media_store/media_store_test.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

/// Many callers at once, whose statements go together.
class TogetherTest : public test::MediaStoreTest {
protected:
    Upload numbered(int number) const {
        auto one = upload("event-" + std::to_string(number));
        one.media.sha256 = sha256_of(std::to_string(number));
        one.cache_keys = {"key-" + std::to_string(number), R"(a "quoted\key", {with} commas)"};
        return one;
    }

    std::vector<Result<Claim>> claim_all(const std::vector<Upload>& uploads) {
        std::vector<std::optional<Result<Claim>>> claims(uploads.size());
        const auto one = [&](std::size_t place) -> asio::awaitable<void> {
            claims[place].emplace(
                co_await store.claim(uploads[place], std::string{"\0\xff", 2}, "here", 1min));
        };
        for (std::size_t place = 0; place < uploads.size(); ++place)
            asio::co_spawn(loop, one(place), asio::detached);
        loop.restart();
        loop.run();
        std::vector<Result<Claim>> all;
        for (auto& claim : claims)
            all.push_back(std::move(claim.value()));
        return all;
    }
};

TEST_F(TogetherTest, EachGetsItsOwn) {
    std::vector<Upload> uploads;
    for (int number = 0; number < 250; ++number)
        uploads.push_back(numbered(number));
    const auto claims = claim_all(uploads);
    std::set<std::int64_t> tokens;
    for (std::size_t place = 0; place < claims.size(); ++place) {
        const auto lease = std::get<Lease>(claims[place].value());
        EXPECT_EQ(lease.media, uploads[place].media);
        tokens.insert(lease.token);
        const auto ready = commit(lease);
        EXPECT_EQ(ready.media, uploads[place].media);
        EXPECT_THAT(ready.upload_event_ids, ElementsAre(uploads[place].event_id));
        EXPECT_EQ(ready.cache_keys, uploads[place].cache_keys);
    }
    EXPECT_THAT(tokens, SizeIs(250));
    EXPECT_EQ(column("DISTINCT event"), R"(\x00ff)");
}

TEST_F(TogetherTest, OneMediaGoesToOne) {
    std::vector<Upload> uploads;
    for (int number = 0; number < 60; ++number) {
        uploads.push_back(numbered(number % 3));
        uploads.back().event_id = "event-" + std::to_string(number);
    }
    const auto claims = claim_all(uploads);
    EXPECT_EQ(std::ranges::count_if(
                  claims, [](auto& got) { return std::holds_alternative<Lease>(got.value()); }),
              3);
    EXPECT_EQ(column("sum(cardinality(upload_event_ids))"), "60");
}

TEST_F(TogetherTest, WhatCannotBeStoredFailsAlone) {
    std::vector<Upload> uploads;
    for (int number = 0; number < 20; ++number)
        uploads.push_back(numbered(number));
    uploads[7].cache_keys = {"no UTF-8: \xff"};
    uploads[13].traceparent = "\xc3\x28";
    const auto claims = claim_all(uploads);
    for (std::size_t place = 0; place < claims.size(); ++place) {
        if (place == 7 || place == 13) {
            ASSERT_FALSE(claims[place]);
            EXPECT_EQ(claims[place].error().kind, FailureKind::refused);
        } else {
            EXPECT_TRUE(std::holds_alternative<Lease>(claims[place].value()));
        }
    }
}

TEST_F(TogetherTest, ParksOnlyWhatIsStillHeld) {
    std::vector<Upload> uploads;
    for (int number = 0; number < 40; ++number)
        uploads.push_back(numbered(number));
    std::vector<Lease> leases;
    for (auto& claim : claim_all(uploads))
        leases.push_back(std::get<Lease>(claim.value()));
    let_lease_run_out();
    const auto heir = take(uploads[5], "another");
    std::vector<bool> parked(leases.size());
    const auto one = [&](std::size_t place) -> asio::awaitable<void> {
        const auto wait = std::chrono::hours{place};
        parked[place] = (co_await store.park(
                             leases[place], wait, "because of " + std::to_string(place),
                             place % 2 == 0 ? ParkedAfter::no_try : ParkedAfter::failed_attempt))
                            .value();
    };
    for (std::size_t place = 0; place < leases.size(); ++place)
        asio::co_spawn(loop, one(place), asio::detached);
    loop.restart();
    loop.run();
    EXPECT_EQ(std::ranges::count(parked, true), 39);
    EXPECT_FALSE(parked[5]);
    EXPECT_EQ(column("count(*) FILTER (WHERE lease_token IS NULL AND last_error = 'because of ' || "
                     "floor(1 + extract(epoch FROM next_retry_at - now()) / 3600)::int)"),
              "39");
    EXPECT_EQ(column("sum(retry_count)"), "19");
    EXPECT_EQ(commit(heir).attempts, 1U);
}

TEST_F(TogetherTest, WhoIsGoneHoldsUpNobody) {
    std::vector<Upload> uploads;
    for (int number = 0; number < 30; ++number)
        uploads.push_back(numbered(number));
    std::size_t leases = 0;
    std::array<asio::cancellation_signal, 30> signals;
    const auto one = [&](std::size_t place) -> asio::awaitable<void> {
        if ((co_await store.claim(uploads[place], "", "here", 1min)).has_value()) ++leases;
    };
    for (std::size_t place = 0; place < uploads.size(); ++place) {
        if (place == 0 || place == 15) {
            auto& gone = signals[place];
            asio::co_spawn(loop, one(place),
                           asio::bind_cancellation_slot(gone.slot(), [](auto) {}));
        } else {
            asio::co_spawn(loop, one(place), asio::detached);
        }
    }
    // One whose statement is on its way, and one that waits for the next.
    asio::post(loop, [&] {
        for (auto& gone : signals)
            gone.emit(asio::cancellation_type::terminal);
    });
    loop.restart();
    loop.run();
    EXPECT_EQ(leases, 29U);  // What is on its way is not called back.
    EXPECT_TRUE(std::holds_alternative<Lease>(claim(numbered(99))));
}

}  // namespace
}  // namespace prewarm
