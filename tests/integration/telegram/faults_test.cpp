#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/telegram/bot_client.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/support/sandbox_faults.hpp"
#include "tests/support/sandbox_process.hpp"

// A sandbox with scripted faults, and what the service's own client makes of them.

namespace prewarm::telegram {
namespace {

using namespace std::chrono_literals;

constexpr auto token = "123456:SECRET-of-the-bot-that-tests-the-client";

class TelegramFaults : public testing::Test {
protected:
    template <class T>
    T run(asio::awaitable<T> task) {
        return test::run_to_end(loop, std::move(task));
    }

    void play(std::string rules) { test::put_faults(loop, sandbox.url(), std::move(rules)); }

    Posting send(std::string content, std::int64_t chat_id = -100123) {
        return send_over(client, std::move(content), chat_id);
    }
    Posting send_over(http::Client& over, std::string content, std::int64_t chat_id = -100123) {
        BotClient bots{over, sandbox.url()};
        return run(bots.send(Secret{token},
                             {.kind = MediaKind::document,
                              .chat_id = chat_id,
                              .content = std::move(content),
                              .file_name = "a.bin",
                              .attributes = {},
                              .thumbnail = {}},
                             deadline_in(60s)));
    }

    std::string ask(const std::string& path) {
        return run(client.send({.method = http::Method::get,
                                .url = Secret{sandbox.url() + path},
                                .what = path,
                                .headers = {},
                                .body = {},
                                .deadline = deadline_in(60s)},
                               1'000'000))
            ->body;
    }
    std::int64_t posted() { return std::ranges::count(ask("/sandbox/received"), '\n'); }
    std::uint64_t played(std::size_t rule) {
        const auto stats = boost::json::parse(ask("/sandbox/stats"));
        return stats.at("faults").at(rule).at("played").to_number<std::uint64_t>();
    }

    test::SandboxProcess sandbox{PREWARM_SANDBOX, {}};
    asio::io_context loop;
    http::Client client{loop.get_executor(), client_options()};
};

struct Played {
    std::string name;
    std::string what;  ///< Of a rule for one request.
    FailureKind kind = FailureKind::transient;
    std::optional<std::chrono::milliseconds> retry_after{};
    std::optional<std::int64_t> chat_is_now{};
    bool is_posted = false;
};

class TelegramFault : public TelegramFaults, public testing::WithParamInterface<Played> {};

TEST_P(TelegramFault, IsReadAsWhatItIsAndPasses) {
    const auto& fault = GetParam();
    play(R"([{"side": "telegram", "method": "sendDocument", "times": 1, )" + fault.what + "}]");
    const auto posting = send("content");
    ASSERT_FALSE(posting.sent);
    const auto& failure = posting.sent.error();
    EXPECT_EQ(failure.kind, fault.kind) << failure.detail;
    EXPECT_EQ(failure.retry_after, fault.retry_after);
    EXPECT_EQ(failure.chat_is_now, fault.chat_is_now);
    EXPECT_EQ(posting.outcome_unknown, fault.kind == FailureKind::outcome_unknown);
    EXPECT_EQ(failure.detail.find("SECRET"), std::string::npos);
    EXPECT_EQ(posted(), fault.is_posted ? 1 : 0);
    EXPECT_EQ(played(0), 1U);

    // To a chat that nobody was told to wait for.
    EXPECT_TRUE(send("content", -100124).sent);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, TelegramFault,
    testing::Values(
        Played{"Restart", R"("status": 500, "description": "Internal Server Error: restart")",
               FailureKind::unavailable},
        Played{
            "BadGatewayAsAPage",
            R"("status": 502, "body": "<html>502 Bad Gateway</html>", "content_type": "text/html")",
            FailureKind::unavailable},
        Played{"GatewayTimeout", R"("status": 504)", FailureKind::outcome_unknown},
        Played{"GatewayTimeoutAsAPage", R"("status": 504, "body": "<html>")",
               FailureKind::outcome_unknown},
        Played{"SuccessWithoutABody", R"("status": 200, "body": "")", FailureKind::outcome_unknown},
        Played{"BadRequestWithoutABody", R"("status": 400, "body": "")", FailureKind::transient},
        Played{"TooLargeAsAPage", R"("status": 413, "body": "<html>")", FailureKind::too_large},
        Played{"Flood", R"("status": 429, "retry_after": 17)", FailureKind::throttled, 17s},
        Played{"FloodAsAPage", R"("status": 429, "retry_after": 5, "body": "")",
               FailureKind::throttled, 5s},
        Played{"HiddenFlood", R"("hidden_429": 8)", FailureKind::throttled, 8s},
        Played{"RevokedToken", R"("status": 401)", FailureKind::bot_refused},
        Played{"KickedBot",
               R"("status": 403,
                  "description": "Forbidden: bot was kicked from the channel chat")",
               FailureKind::chat_refused},
        Played{"MigratedGroup",
               R"("status": 400, "migrate_to_chat_id": -1009876543210,
                  "description": "Bad Request: group chat was upgraded to a supergroup chat")",
               FailureKind::chat_refused, std::nullopt, -1009876543210},
        Played{"RefusedFile", R"("status": 400, "description": "Bad Request: VIDEO_FILE_INVALID")",
               FailureKind::refused},
        Played{"AnswerLostByAReset", R"("reset": "after")", FailureKind::outcome_unknown,
               std::nullopt, std::nullopt, true},
        Played{"AnswerLost", R"("lose_answer": true)", FailureKind::outcome_unknown, std::nullopt,
               std::nullopt, true}),
    [](const auto& fault) { return fault.param.name; });

// More than sockets hold, so that not all of it can be on its way.
const std::string large(40'000'000, 'x');

TEST_F(TelegramFaults, AResetBeforeTheBodyPostsNothing) {
    play(R"([{"side": "telegram", "min_bytes": 1000000, "times": 1, "reset": "before"}])");
    const auto posting = send(large);
    ASSERT_FALSE(posting.sent);
    EXPECT_EQ(posting.sent.error().kind, FailureKind::transient) << posting.sent.error().detail;
    EXPECT_FALSE(posting.outcome_unknown);
    EXPECT_EQ(posted(), 0);
    EXPECT_TRUE(send(large).sent);
}

TEST_F(TelegramFaults, AResetAmidTheBodyPostsNothing) {
    play(R"([{"side": "telegram", "times": 1, "reset": "middle"}])");
    const auto posting = send(large);
    ASSERT_FALSE(posting.sent);
    // Whether the rest had been given to the socket is the system's affair.
    EXPECT_THAT(posting.sent.error().kind,
                testing::AnyOf(FailureKind::transient, FailureKind::outcome_unknown));
    EXPECT_EQ(posted(), 0);
    EXPECT_TRUE(send(large).sent);
}

TEST_F(TelegramFaults, AnAnswerLostOnAKeptConnectionMayHaveMadeADuplicate) {
    EXPECT_FALSE(send("content").outcome_unknown);
    play(R"([{"side": "telegram", "times": 1, "lose_answer": true}])");
    const auto posting = send("content");
    EXPECT_TRUE(posting.sent) << "asked again on a new connection";
    EXPECT_TRUE(posting.outcome_unknown);
    EXPECT_EQ(posted(), 3);
}

TEST_F(TelegramFaults, AHangOutlivesAnImpatientClient) {
    play(R"([{"side": "telegram", "times": 1, "hang_ms": 3000}])");
    auto hasty = client_options();
    hasty.stall = hasty.answer = 100ms;
    http::Client impatient{loop.get_executor(), hasty};
    const auto posting = send_over(impatient, "content");
    ASSERT_FALSE(posting.sent);
    EXPECT_EQ(posting.sent.error().kind, FailureKind::outcome_unknown);
    EXPECT_TRUE(send("content").sent);
}

TEST_F(TelegramFaults, ADrippingAnswerIsReadWhole) {
    play(R"([{"side": "telegram", "times": 1, "drip_ms": 1}])");
    const auto posting = send("content");
    ASSERT_TRUE(posting.sent) << posting.sent.error().detail;
    EXPECT_FALSE(posting.sent->file_id.empty());
    EXPECT_EQ(played(0), 1U);
}

TEST_F(TelegramFaults, AChatThatKickedTheBotLeavesTheOthers) {
    play(R"([{"side": "telegram", "chat": -100123, "status": 403,
              "description": "Forbidden: bot was kicked from the channel chat"}])");
    EXPECT_EQ(send("content", -100123).sent.error().kind, FailureKind::chat_refused);
    EXPECT_TRUE(send("content", -100124).sent);
    EXPECT_EQ(send("content", -100123).sent.error().kind, FailureKind::chat_refused);
}

TEST_F(TelegramFaults, ABotWhoseTokenWasRevokedLeavesTheOthers) {
    play(R"([{"side": "telegram", "bot": 123456, "status": 401}])");
    EXPECT_EQ(send("content").sent.error().kind, FailureKind::bot_refused);
    BotClient bots{client, sandbox.url()};
    EXPECT_TRUE(run(
        bots.get_me(Secret{"654321:SECRET-of-the-bot-that-tests-the-client"}, deadline_in(60s))));
}

}  // namespace
}  // namespace prewarm::telegram
