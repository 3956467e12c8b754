/// The Bot API's methods, as far as they are used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/secret.hpp"
#include "common/base/upload.hpp"
#include "common/http/client.hpp"
#include "common/runtime/task.hpp"
#include "common/telegram/answer.hpp"
#include "common/telegram/limits.hpp"

namespace prewarm::telegram {

/// A file on its way to a chat.
struct OutgoingMedia {
    MediaKind kind = MediaKind::document;
    std::int64_t chat_id = 0;
    http::Content content;
    std::string file_name;  ///< From file_name_for().
    MediaAttributes attributes;
    std::string thumbnail;  ///< A JPEG's bytes; empty for none.
};

/// How a send went.
struct Posting {
    Result<Sent> sent;
    /// When Telegram had been given all of the file; nothing if it never was.
    std::optional<Deadline> all_given_at{};
    /// It, or a try before it, failed after that without an answer: the message may have been
    /// posted all the same.
    bool outcome_unknown = false;
};

/// Whether Telegram takes a thumbnail beside a file of this kind.
bool takes_thumbnail(MediaKind kind);

/// What suits Telegram: it answers only once it has passed the file on.
http::ClientOptions client_options(Server server = Server::cloud);

/// Speaks for any bot. A token is never in a failure. One loop's thread; the client must outlive
/// it.
class BotClient {
public:
    /// `api_url` is `https://api.telegram.org`, or a server of one's own.
    BotClient(http::Client& client, std::string api_url);

    /// Posts silently, with the method of its kind. Failures as answer.hpp and client.hpp say.
    asio::awaitable<Posting> send(Secret token, OutgoingMedia media, Deadline deadline);

    /// Has Telegram fetch the file. `bytes` and `declared` of what was sent are not known here.
    asio::awaitable<Posting> send_by_url(Secret token, MediaKind kind, std::int64_t chat_id,
                                         Secret url, Deadline deadline);

    /// Posts silently what stands in another chat (or the same), and tells this bot's own file_id.
    asio::awaitable<Posting> forward(Secret token, std::int64_t from_chat_id,
                                     std::int64_t message_id, std::int64_t chat_id,
                                     Deadline deadline);

    /// Posts two to ten photos silently as one album, to the first one's chat, all or none: how
    /// each went, in their order. They are together well below what a request may hold.
    asio::awaitable<std::vector<Posting>> send_album(Secret token,
                                                     std::vector<OutgoingMedia> photos,
                                                     Deadline deadline);

    Task<BotIdentity> get_me(Secret token, Deadline deadline);

private:
    struct Answered;

    asio::awaitable<Posting> post(http::ClientRequest method);
    asio::awaitable<Answered> ask(http::ClientRequest method);
    http::ClientRequest request(const Secret& token, std::string method, Deadline deadline) const;

    http::Client& client_;
    std::string api_url_;
};

}  // namespace prewarm::telegram
