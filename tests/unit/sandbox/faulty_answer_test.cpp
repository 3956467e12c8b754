#include "sandbox/telegram/faulty_answer.hpp"

#include <gtest/gtest.h>

#include "tests/support/run_to_end.hpp"

namespace prewarm::sandbox {
namespace {

using namespace std::chrono_literals;

TEST(FaultyAnswer, SpeaksAsTheBotApiDoes) {
    const auto flood = telegram_answer({.status = 429, .retry_after = 9s});
    EXPECT_EQ(std::get<std::string>(flood.body),
              R"({"ok":false,"error_code":429,"description":"Too Many Requests: retry after 9",)"
              R"("parameters":{"retry_after":9}})");
    EXPECT_EQ(flood.headers.back(), (std::pair<std::string, std::string>{"Retry-After", "9"}));
    const auto page = telegram_answer({.status = 502, .body = "<html>"});
    EXPECT_EQ(page.status, 502U);
    EXPECT_EQ(std::get<std::string>(page.body), "<html>");
}

TEST(FaultyAnswer, DripsAByteAtATime) {
    asio::io_context loop;
    const auto response = dripping(http::respond(200, "text/plain", "abc"), 1ms);
    const auto& body = std::get<http::StreamedBody>(response.body);
    EXPECT_EQ(body.length, 3U);
    for (const char letter : {'a', 'b', 'c'}) {
        const auto bytes = prewarm::test::run_to_end(loop, body.next());
        EXPECT_EQ(std::string(bytes->begin(), bytes->end()), std::string{letter});
    }
}

}  // namespace
}  // namespace prewarm::sandbox
