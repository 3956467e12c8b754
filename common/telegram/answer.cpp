#include "common/telegram/answer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "common/telegram/api_error.hpp"

namespace prewarm::telegram {
namespace {

namespace json = boost::json;

const json::object* object_in(const json::object& parent, std::string_view key) {
    const auto* const child = parent.if_contains(key);
    return child != nullptr ? child->if_object() : nullptr;
}

std::string text_in(const json::object& parent, std::string_view key) {
    const auto* const child = parent.if_contains(key);
    const auto* const text = child != nullptr ? child->if_string() : nullptr;
    return text != nullptr ? std::string{*text} : std::string{};
}

std::int64_t number_in(const json::object& parent, std::string_view key) {
    const auto* const child = parent.if_contains(key);
    if (child == nullptr) return 0;
    boost::system::error_code error;
    const auto number = child->to_number<std::int64_t>(error);
    return error ? 0 : number;
}

struct KindKey {
    std::string_view key;
    MediaKind kind;
};

// An animation has its `document` beside it, so the order matters. A live photo has its `photo`
// beside it, which is what can be sent again as the kind we know.
constexpr std::array kind_keys{
    KindKey{"animation", MediaKind::animation},   KindKey{"video", MediaKind::video},
    KindKey{"video_note", MediaKind::video_note}, KindKey{"audio", MediaKind::audio},
    KindKey{"voice", MediaKind::voice},           KindKey{"sticker", MediaKind::sticker},
    KindKey{"photo", MediaKind::photo},           KindKey{"document", MediaKind::document}};

/// The object with the file_id; of a photo's sizes the last, which is the largest.
const json::object* media_in(const json::object& message, std::string_view key) {
    const auto* const media = message.if_contains(key);
    if (media == nullptr) return nullptr;
    const auto* const sizes = media->if_array();
    if (sizes == nullptr) return media->if_object();
    return sizes->empty() ? nullptr : sizes->back().if_object();
}

/// What a call came to; neither of them where it is not the Bot API that answers.
struct Answer {
    std::optional<json::value> result{};
    std::optional<ApiError> refused{};
};

Answer parsed(std::string_view body) {
    boost::system::error_code error;
    auto value = json::parse({body.data(), body.size()}, error);
    auto* const answer = error ? nullptr : value.if_object();
    const auto* const ok = answer != nullptr ? answer->if_contains("ok") : nullptr;
    if (ok == nullptr || !ok->is_bool()) return {};
    if (ok->get_bool()) {
        auto* const result = answer->if_contains("result");
        return {.result = result != nullptr ? std::move(*result) : json::value{}};
    }
    ApiError refused{.code = static_cast<int>(number_in(*answer, "error_code")),
                     .description = text_in(*answer, "description")};
    if (const auto* const parameters = object_in(*answer, "parameters")) {
        refused.retry_after_s = number_in(*parameters, "retry_after");
        refused.migrate_to_chat_id = number_in(*parameters, "migrate_to_chat_id");
    }
    return {.refused = std::move(refused)};
}

Failure without_result(std::string_view what) {
    return {FailureKind::outcome_unknown, fmt::format("{}: an answer without result", what)};
}

/// `result` of a call that went well.
Result<json::object> result_of(const http::ResponseHead& head, std::string_view body,
                               std::string_view what) {
    auto answer = parsed(body);
    if (answer.refused) return failure_of(head, std::move(*answer.refused), what);
    if (!answer.result) return failure_of_other(head, what);
    auto* const result = answer.result->if_object();
    if (result == nullptr) return without_result(what);
    return std::move(*result);
}

Result<Sent> sent_in(const json::object& message, std::string_view what) {
    for (const auto& [key, kind] : kind_keys) {
        const auto* const media = media_in(message, key);
        if (media == nullptr) continue;
        Sent sent{.actual_kind = kind,
                  .file_id = text_in(*media, "file_id"),
                  .file_unique_id = text_in(*media, "file_unique_id"),
                  .message_id = number_in(message, "message_id")};
        if (const auto* const chat = object_in(message, "chat"))
            sent.chat_id = number_in(*chat, "id");
        if (sent.file_id.empty()) break;
        return sent;
    }
    // Asking again would post it again, and be answered likewise.
    return Failure{FailureKind::refused, fmt::format("{}: posted, but no file_id came back", what)};
}

/// In the order of the chat, which is that of the request: the answer's own is that in which they
/// were done. None when one of them is no message, for it cannot be told which.
std::vector<json::object> messages_in(const json::value& result) {
    std::vector<json::object> messages;
    const auto* const list = result.if_array();
    if (list == nullptr) return messages;
    for (const auto& one : *list) {
        const auto* const message = one.if_object();
        if (message == nullptr || number_in(*message, "message_id") == 0) return {};
        messages.push_back(*message);
    }
    std::ranges::sort(messages, {},
                      [](const json::object& one) { return number_in(one, "message_id"); });
    return messages;
}

}  // namespace

Result<Sent> read_sent(const http::ResponseHead& head, std::string_view body,
                       std::string_view what) {
    const auto message = result_of(head, body, what);
    if (!message) return message.error();
    return sent_in(*message, what);
}

std::vector<Result<Sent>> read_album(const http::ResponseHead& head, std::string_view body,
                                     std::size_t items, std::string_view what) {
    const auto answer = parsed(body);
    std::vector<Result<Sent>> read;
    if (answer.refused) {
        for (auto& failure : failures_of_album(head, *answer.refused, items, what))
            read.emplace_back(std::move(failure));
    } else if (!answer.result) {
        read.assign(items, of_album(failure_of_other(head, what)));
    } else if (const auto messages = messages_in(*answer.result); messages.size() == items) {
        for (const auto& message : messages)
            read.push_back(sent_in(message, what));
    } else {
        // Which of them are there cannot be told.
        read.assign(items, without_result(what));
    }
    return read;
}

Result<BotIdentity> read_identity(const http::ResponseHead& head, std::string_view body,
                                  std::string_view what) {
    const auto user = result_of(head, body, what);
    if (!user) return user.error();
    return BotIdentity{.id = number_in(*user, "id"), .username = text_in(*user, "username")};
}

}  // namespace prewarm::telegram
