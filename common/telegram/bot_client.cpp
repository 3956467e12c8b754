#include "common/telegram/bot_client.hpp"

#include <boost/algorithm/string/replace.hpp>

#include "common/telegram/form.hpp"

namespace prewarm::telegram {
namespace {

constexpr std::size_t most_answer_bytes = 256 * 1024;

std::uint64_t size_of(const http::Content& content) {
    if (const auto* text = std::get_if<std::string>(&content)) return text->size();
    if (const auto* file = std::get_if<http::FileBytes>(&content)) return file->size_bytes;
    return std::get<http::PipedBytes>(content).size_bytes;
}

}  // namespace

http::ClientOptions client_options() {
    http::ClientOptions options;
    options.answer = std::chrono::minutes{2};
    return options;
}

BotClient::BotClient(http::Client& client, std::string api_url)
    : client_{client}, api_url_{std::move(api_url)} {
    while (api_url_.ends_with('/'))
        api_url_.pop_back();
}

http::ClientRequest BotClient::request(const Secret& token, std::string method,
                                       Deadline deadline) const {
    return {.method = http::Method::post,
            .url = Secret{api_url_ + "/bot" + token.reveal() + '/' + method},
            .what = std::move(method),
            .headers = {},
            .body = {},
            .deadline = deadline};
}

asio::awaitable<Posting> BotClient::send(Secret token, OutgoingMedia media, Deadline deadline) {
    const auto bytes = size_of(media.content);
    auto declared = media.attributes;
    auto method = request(token, send_method(media.kind), deadline);
    method.body = form_of(std::move(media));
    auto posting = co_await post(std::move(method));
    if (posting.sent) {
        posting.sent->bytes = bytes;
        posting.sent->declared = std::move(declared);
    }
    co_return posting;
}

asio::awaitable<Posting> BotClient::send_by_url(Secret token, MediaKind kind, std::int64_t chat_id,
                                                Secret url, Deadline deadline) {
    auto method = request(token, send_method(kind), deadline);
    method.body = form_by_url(kind, chat_id, url);
    auto posting = co_await post(std::move(method));
    // Telegram may quote it.
    if (!posting.sent)
        boost::algorithm::ireplace_all(posting.sent.error().detail, url.reveal(), "(the URL)");
    co_return posting;
}

asio::awaitable<Posting> BotClient::forward(Secret token, std::int64_t from_chat_id,
                                            std::int64_t message_id, std::int64_t chat_id,
                                            Deadline deadline) {
    auto method = request(token, "forwardMessage", deadline);
    method.body = forward_form(from_chat_id, message_id, chat_id);
    co_return co_await post(std::move(method));
}

asio::awaitable<Posting> BotClient::post(http::ClientRequest method) {
    const auto what = method.what;
    std::string body;
    auto exchange = client_.start(std::move(method), http::sink_into(body, most_answer_bytes));
    auto head = co_await exchange.head();
    Result<> finished = head ? co_await exchange.finish() : Result<>{head.error()};

    Posting posting{.sent = Sent{}, .all_given_at = exchange.request_sent_at()};
    if (!finished) {
        posting.outcome_unknown = posting.all_given_at.has_value();
        auto failure = std::move(finished.error());
        if (posting.outcome_unknown) {
            failure.kind = FailureKind::outcome_unknown;
            failure.detail += "; it may have been posted all the same";
        }
        posting.sent = std::move(failure);
        co_return posting;
    }
    posting.sent = read_sent(*head, body, what);
    posting.outcome_unknown =
        exchange.was_repeated() ||
        (!posting.sent && posting.sent.error().kind == FailureKind::outcome_unknown);
    co_return posting;
}

Task<BotIdentity> BotClient::get_me(Secret token, Deadline deadline) {
    auto method = request(token, "getMe", deadline);
    const auto what = method.what;
    auto response = co_await client_.send(std::move(method), most_answer_bytes);
    if (!response) co_return response.error();
    co_return read_identity(response->head, response->body, what);
}

}  // namespace prewarm::telegram
