/// What the Bot API answers, pure: bytes in, meaning out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/failure.hpp"
#include "common/base/upload.hpp"
#include "common/http/client_request.hpp"

namespace prewarm::telegram {

/// Whom a token belongs to.
struct BotIdentity {
    std::int64_t id = 0;
    std::string username;
};

/// To a send method. Read by key, since thumbnails and the like have file_ids of their own, which
/// come first. `bytes` and `declared` are left to the caller. `what` names the request in failures.
///
/// A failure is `throttled` wherever its text says so, whatever its code; `chat_refused`,
/// `bot_refused` when it is theirs; `too_large` and `refused` when it is the file's; `unavailable`
/// when it is Telegram's own; `outcome_unknown` when it does not tell whether the file was posted.
Result<Sent> read_sent(const http::ResponseHead& head, std::string_view body,
                       std::string_view what);

/// To getMe; failures likewise.
Result<BotIdentity> read_identity(const http::ResponseHead& head, std::string_view body,
                                  std::string_view what);

}  // namespace prewarm::telegram
