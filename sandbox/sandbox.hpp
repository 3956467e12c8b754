/// R2, the Bot API and the listing of what they received, on one address.
#pragma once

#include <cstdint>
#include <string>

#include "common/http/server.hpp"
#include "sandbox/faults/fault_matcher.hpp"
#include "sandbox/r2/r2_api.hpp"
#include "sandbox/stats.hpp"
#include "sandbox/telegram/audit.hpp"
#include "sandbox/telegram/bot_api.hpp"

namespace prewarm::sandbox {

/// Lives on one loop's thread.
class Sandbox {
public:
    Sandbox(R2Options r2, BotApiOptions telegram, FaultScript faults);

    /// Answers `/bot<token>/...`, `/sandbox/...`, and for all else R2.
    asio::awaitable<http::Response> answer(http::Request& request);

private:
    asio::awaitable<http::Response> answer_about_itself(http::Request& request);
    asio::awaitable<http::Response> answer_about_faults(http::Request& request);
    bool is_for_bucket(std::string_view path) const;

    Stats stats_;
    Audit audit_;
    FaultMatcher faults_;
    std::vector<std::string> buckets_;
    R2Api r2_;
    BotApi telegram_;
};

}  // namespace prewarm::sandbox
