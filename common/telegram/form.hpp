/// What is filled in to send a file.
#pragma once

#include <string>
#include <vector>

#include "common/http/client_request.hpp"
#include "common/telegram/bot_client.hpp"

namespace prewarm::telegram {

/// `sendVideoNote`.
std::string send_method(MediaKind kind);

/// The parts of the request, the file last: whoever reads them as they come knows by then what it
/// is for.
http::Multipart form_of(OutgoingMedia media);

/// For a file that Telegram is to fetch.
http::Multipart form_by_url(MediaKind kind, std::int64_t chat_id, const Secret& url);

http::Multipart forward_form(std::int64_t from_chat_id, std::int64_t message_id,
                             std::int64_t chat_id);

/// Of photos, which go to the first one's chat.
http::Multipart form_of_album(std::vector<OutgoingMedia> photos);

}  // namespace prewarm::telegram
