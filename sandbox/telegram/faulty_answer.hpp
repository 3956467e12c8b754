/// Answers of Telegram's that somebody has scripted.
#pragma once

#include <chrono>

#include "common/http/server.hpp"
#include "sandbox/faults/fault_rule.hpp"

namespace prewarm::sandbox {

/// The answer of `fault.status`: the Bot API's JSON, or the body that the fault has.
http::Response telegram_answer(const Fault& fault);

/// The same answer, a byte at a time with `pause` before each.
http::Response dripping(http::Response response, std::chrono::milliseconds pause);

}  // namespace prewarm::sandbox
