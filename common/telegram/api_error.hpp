/// The Bot API's errors, in the project's words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

/// Of an album of so many, what it means to each of them: one that Telegram names has failed as if
/// it had been sent alone, and nothing is known of the others; they may go by themselves.
std::vector<Failure> failures_of_album(const http::ResponseHead& head, const ApiError& error,
                                       std::size_t items, std::string_view what);

/// For an answer that is not the Bot API's: a proxy's page, or no body at all.
Failure failure_of_other(const http::ResponseHead& head, std::string_view what);

/// What is wrong with one of them is nobody else's fault: that is `way_closed`, and whatever is
/// wrong with all of them stays what it is.
Failure of_album(Failure failure);

}  // namespace prewarm::telegram
