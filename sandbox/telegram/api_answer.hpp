/// Answers as the Bot API writes them.
#pragma once

#include <boost/json/value.hpp>

#include "common/http/server.hpp"
#include "sandbox/telegram/api_error.hpp"

namespace prewarm::sandbox {

/// `{"ok": true, "result": ...}`, or the error.
http::Response answer_of(const ApiResult<boost::json::value>& result);
http::Response answer_of(const ApiError& error);

}  // namespace prewarm::sandbox
