#include "sandbox/telegram/rate_limits.hpp"

#include <gtest/gtest.h>

namespace prewarm::sandbox {
namespace {

using namespace std::chrono_literals;

class SandboxRateLimits : public testing::Test {
protected:
    static constexpr std::int64_t bot = 1;
    static constexpr std::int64_t group = -100;
    static constexpr std::int64_t person = 7;

    std::optional<Violation> post(std::int64_t chat) { return limiter.post(now, now, bot, chat); }

    RateLimiter::Time now{1h};
    RateLimiter limiter{{}};
};

TEST_F(SandboxRateLimits, TakeTwentyMessagesInAnyMinuteToAGroup) {
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(post(group)) << i;
        now += 1s;
    }
    const auto refused = post(group);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->limit, Limit::group);
    EXPECT_EQ(refused->retry_after, 40s);
    now += 40s;
    EXPECT_FALSE(post(group));
    EXPECT_TRUE(post(group));
}

TEST_F(SandboxRateLimits, AskForMoreTimeWhereTheyAreIgnored) {
    for (int i = 0; i < 20; ++i)
        (void)post(group);
    EXPECT_EQ(post(group)->retry_after, 60s);
    now += 1s;
    EXPECT_EQ(post(group)->retry_after, 120s);
    now += 119s;
    EXPECT_EQ(post(group)->retry_after, 240s);
    now += 240s;
    EXPECT_FALSE(post(group));
}

TEST_F(SandboxRateLimits, BlameNobodyForWhatWasOnItsWayAlready) {
    for (int i = 0; i < 20; ++i)
        (void)post(group);
    const auto began = now;
    now += 100ms;
    EXPECT_FALSE(post(group)->is_collateral);
    now += 900ms;
    const auto late = limiter.post(now, began, bot, group);
    EXPECT_TRUE(late->is_collateral);
    EXPECT_EQ(late->retry_after, 60s);
}

TEST_F(SandboxRateLimits, SeeWhoDoesNotListenToAScript) {
    limiter.told_to_wait(now, bot, group, 5s);
    EXPECT_TRUE(limiter.post(now, now - 1s, bot, group)->is_collateral);
    EXPECT_FALSE(post(group - 1)) << "another chat";
    now += 4s;
    EXPECT_FALSE(post(group)->is_collateral);
    now += 10s;
    EXPECT_FALSE(post(group));
}

TEST_F(SandboxRateLimits, AskForADayAtMost) {
    for (int i = 0; i < 100; ++i) {
        now += 1ms;
        (void)post(group);
    }
    now += 1ms;
    EXPECT_EQ(post(group)->retry_after, 24h);
}

TEST_F(SandboxRateLimits, TakeAMessageASecondToAPersonAndAShortBurst) {
    for (int i = 0; i < 5; ++i)
        EXPECT_FALSE(post(person)) << i;
    for (int i = 0; i < 10; ++i) {
        now += 1s;
        EXPECT_FALSE(post(person)) << i;
    }
    EXPECT_EQ(post(person)->limit, Limit::chat);
}

TEST_F(SandboxRateLimits, TakeThirtyMessagesASecondFromABot) {
    int taken = 0;
    for (int tenth = 0; tenth < 100; ++tenth) {
        for (std::int64_t chat = 0; chat < 3; ++chat)
            taken += post(group - tenth * 3 - chat) ? 0 : 1;
        now += 100ms;
    }
    EXPECT_EQ(taken, 300);
    for (std::int64_t chat = 1000; chat < 1040; ++chat)
        (void)post(-chat);
    EXPECT_EQ(post(-2000)->limit, Limit::bot);
}

TEST_F(SandboxRateLimits, BoundWhatIsUploadedAtOnce) {
    for (int i = 0; i < 100; ++i)
        EXPECT_FALSE(limiter.begin_upload(bot, 10));
    EXPECT_EQ(limiter.begin_upload(bot, 10)->limit, Limit::uploads);
    EXPECT_FALSE(limiter.begin_upload(bot + 1, 10));
    limiter.end_upload(bot, 10);
    EXPECT_EQ(limiter.begin_upload(bot, 5ULL << 30U)->limit, Limit::bytes);
    EXPECT_FALSE(limiter.begin_upload(bot, 10));
}

TEST_F(SandboxRateLimits, BoundWhatIsAskedAtOnce) {
    for (int i = 0; i < 1000; ++i)
        EXPECT_FALSE(limiter.begin_request(now, bot));
    EXPECT_EQ(limiter.begin_request(now, bot)->limit, Limit::requests);
    EXPECT_FALSE(limiter.begin_request(now, bot + 1));
    limiter.end_request(bot);
    EXPECT_FALSE(limiter.begin_request(now, bot));
}

TEST_F(SandboxRateLimits, BoundWhatIsOnItsWayToAChat) {
    for (int i = 0; i < 310; ++i)
        EXPECT_FALSE(limiter.begin_sending(bot, person));
    EXPECT_EQ(limiter.begin_sending(bot, person)->limit, Limit::unsent);
    EXPECT_FALSE(limiter.begin_sending(bot, group));
    limiter.end_sending(bot, person);
    EXPECT_FALSE(limiter.begin_sending(bot, person));
}

TEST_F(SandboxRateLimits, TakeTwentyNewTokensInAnyMinuteAndSixHundredInAnyHour) {
    for (std::int64_t one = 1; one <= 20; ++one)
        EXPECT_FALSE(limiter.begin_request(now, one)) << one;
    now += 15s;
    const auto refused = limiter.begin_request(now, 21);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->limit, Limit::sessions);
    EXPECT_EQ(refused->retry_after, 45s);
    EXPECT_FALSE(limiter.begin_request(now, 20)) << "it is known";
    now += 45s;
    for (std::int64_t one = 21; one <= 600; ++one) {
        EXPECT_FALSE(limiter.begin_request(now, one)) << one;
        now += 3s;
    }
    EXPECT_EQ(limiter.begin_request(now, 601)->retry_after, 3600s - 60s - 580 * 3s);
}

TEST_F(SandboxRateLimits, HoldBackUploadsOfTheSameSize) {
    const auto delay = [&](std::uint64_t bytes) { return limiter.delay_of_size(now, bot, bytes); };
    EXPECT_EQ(delay(100'000), 0ms);
    EXPECT_EQ(delay(9'000'000), 0ms);
    EXPECT_EQ(delay(9'000'000), 800ms);
    EXPECT_EQ(delay(9'000'001), 0ms) << "another size";
    for (int i = 0; i < 4; ++i)
        (void)delay(9'000'000);
    EXPECT_GT(delay(9'000'000), 4s);
    EXPECT_GT(delay(9'000'000), RateLimiter::longest_delay);
    now += 10s;
    EXPECT_EQ(delay(9'000'000), 0ms);
}

TEST_F(SandboxRateLimits, CanBeSwitchedOff) {
    RateLimiter none{{.bot_per_second = 0,
                      .chat_per_second = 0,
                      .group_per_minute = 0,
                      .requests_at_once = 0,
                      .uploads_at_once = 0,
                      .upload_bytes_at_once = 0,
                      .unsent_per_chat = 0,
                      .sessions_per_minute = 0,
                      .spaces_equal_sizes = false}};
    for (int i = 0; i < 1001; ++i) {
        EXPECT_FALSE(none.begin_request(now, bot));
        EXPECT_FALSE(none.begin_request(now, bot + 1 + i));
        EXPECT_FALSE(none.begin_sending(bot, person));
        EXPECT_FALSE(none.post(now, now, bot, group));
        EXPECT_FALSE(none.post(now, now, bot, person));
        EXPECT_FALSE(none.begin_upload(bot, 1ULL << 30U));
        EXPECT_EQ(none.delay_of_size(now, bot, 9'000'000), 0ms);
    }
}

}  // namespace
}  // namespace prewarm::sandbox
