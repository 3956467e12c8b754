/// The Bot API's errors, in the project's words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/failure.hpp"
#include "common/http/client_request.hpp"

namespace prewarm::telegram {

/// `{"ok": false, ...}`; 0 and empty where it does not say.
struct ApiError {
    int code = 0;
    std::string description;
    std::int64_t retry_after_s = 0;
    std::int64_t migrate_to_chat_id = 0;
};

Failure failure_of(const http::ResponseHead& head, ApiError error, std::string_view what);

/// For an answer that is not the Bot API's: a proxy's page, or no body at all.
Failure failure_of_other(const http::ResponseHead& head, std::string_view what);

}  // namespace prewarm::telegram
