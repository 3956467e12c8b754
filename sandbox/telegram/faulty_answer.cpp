#include "sandbox/telegram/faulty_answer.hpp"

#include <memory>

#include <fmt/format.h>

#include "sandbox/telegram/api_answer.hpp"

namespace prewarm::sandbox {
namespace {

using http::Response;
using http::StreamedBody;

/// What Telegram says when no rule has words for it.
std::string description_of(unsigned status, std::chrono::seconds retry_after) {
    switch (status) {
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 413:
            return "Request Entity Too Large";
        case 429:
            return fmt::format("Too Many Requests: retry after {}", retry_after.count());
        case 502:
            return "Bad Gateway";
        case 504:
            return "Gateway Timeout";
        default:
            return status >= 500 ? "Internal Server Error" : "Bad Request";
    }
}

}  // namespace

Response telegram_answer(const Fault& fault) {
    if (fault.body) {
        auto response = http::respond(fault.status,
                                      fault.content_type.empty() ? "text/html" : fault.content_type,
                                      *fault.body);
        if (fault.retry_after.count() > 0)
            response.headers.emplace_back("Retry-After", std::to_string(fault.retry_after.count()));
        return response;
    }
    return answer_of(ApiError{.code = fault.status,
                              .description = fault.text.empty()
                                                 ? description_of(fault.status, fault.retry_after)
                                                 : fault.text,
                              .retry_after = fault.retry_after,
                              .migrate_to_chat_id = fault.migrate_to_chat_id});
}

Response dripping(Response response, std::chrono::milliseconds pause) {
    auto* const text = std::get_if<std::string>(&response.body);
    if (text == nullptr || text->empty()) return response;
    struct Drip {
        std::string text;
        std::size_t given = 0;
    };
    auto drip = std::make_shared<Drip>(std::move(*text));
    response.body = StreamedBody{
        .length = drip->text.size(), .next = [drip, pause]() -> Task<std::span<const char>> {
            co_await sleep_for(pause);
            co_return std::span<const char>{drip->text}.subspan(drip->given++, 1);
        }};
    return response;
}

}  // namespace prewarm::sandbox
