/// What the Bot API answers, pure: bytes in, meaning out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

/// To sendMediaGroup with so many items: one result for each, in their order. Where one item is at
/// fault it gets its failure, and the others `way_closed`; and all get that where it is not known
/// which one is. Everything else is the same for all.
std::vector<Result<Sent>> read_album(const http::ResponseHead& head, std::string_view body,
                                     std::size_t items, std::string_view what);

/// To getMe; failures likewise.
Result<BotIdentity> read_identity(const http::ResponseHead& head, std::string_view body,
                                  std::string_view what);

}  // namespace prewarm::telegram
