#include "common/telegram/bot_client.hpp"

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

// After the last byte the server still has to send the file on to Telegram: up to 50 MB, or up to
// 2000 MB from a server of one's own, which gives up on a silent client after 500 s itself.
http::ClientOptions client_options(Server server) {
    http::ClientOptions options;
    options.answer = std::chrono::minutes{server == Server::local ? 10 : 2};
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

/// To a request that posts something.
struct BotClient::Answered {
    Result<http::ResponseHead> head;
    std::string body{};
    std::optional<Deadline> all_given_at{};
    bool was_repeated = false;

    Posting as_posting(Result<Sent> sent) const {
        Posting posting{.sent = std::move(sent), .all_given_at = all_given_at};
        posting.outcome_unknown =
            was_repeated ||
            (!posting.sent && posting.sent.error().kind == FailureKind::outcome_unknown);
        return posting;
    }
};

asio::awaitable<BotClient::Answered> BotClient::ask(http::ClientRequest method) {
    std::string body;
    auto exchange = client_.start(std::move(method), http::sink_into(body, most_answer_bytes));
    auto head = co_await exchange.head();
    Result<> finished = head ? co_await exchange.finish() : Result<>{head.error()};
    Answered answered{.head = std::move(head),
                      .all_given_at = exchange.request_sent_at(),
                      .was_repeated = exchange.was_repeated()};
    if (finished) {
        answered.body = std::move(body);
        co_return answered;
    }
    auto failure = std::move(finished.error());
    answered.was_repeated = false;
    if (answered.all_given_at) {
        failure.kind = FailureKind::outcome_unknown;
        failure.detail += "; it may have been posted all the same";
    }
    answered.head = std::move(failure);
    co_return answered;
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
    co_return co_await post(std::move(method));
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
    const auto answered = co_await ask(std::move(method));
    co_return answered.as_posting(answered.head ? read_sent(*answered.head, answered.body, what)
                                                : Result<Sent>{answered.head.error()});
}

asio::awaitable<std::vector<Posting>> BotClient::send_album(Secret token,
                                                            std::vector<OutgoingMedia> photos,
                                                            Deadline deadline) {
    std::vector<std::uint64_t> sizes;
    for (const auto& photo : photos)
        sizes.push_back(size_of(photo.content));
    auto method = request(token, "sendMediaGroup", deadline);
    const auto what = method.what;
    method.body = form_of_album(std::move(photos));
    const auto answered = co_await ask(std::move(method));
    auto read = answered.head ? read_album(*answered.head, answered.body, sizes.size(), what)
                              : std::vector<Result<Sent>>(sizes.size(), answered.head.error());
    std::vector<Posting> postings;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (read[i]) read[i]->bytes = sizes[i];
        postings.push_back(answered.as_posting(std::move(read[i])));
    }
    co_return postings;
}

Task<BotIdentity> BotClient::get_me(Secret token, Deadline deadline) {
    auto method = request(token, "getMe", deadline);
    const auto what = method.what;
    auto response = co_await client_.send(std::move(method), most_answer_bytes);
    if (!response) co_return response.error();
    co_return read_identity(response->head, response->body, what);
}

}  // namespace prewarm::telegram
