#include "common/telegram/answer.hpp"

#include <array>

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

/// `result` of a call that went well.
Result<json::object> result_of(const http::ResponseHead& head, std::string_view body,
                               std::string_view what) {
    boost::system::error_code error;
    const auto parsed = json::parse({body.data(), body.size()}, error);
    const auto* const answer = error ? nullptr : parsed.if_object();
    const auto* const ok = answer != nullptr ? answer->if_contains("ok") : nullptr;
    if (ok == nullptr || !ok->is_bool()) return failure_of_other(head, what);
    if (!ok->get_bool()) {
        ApiError refused{.code = static_cast<int>(number_in(*answer, "error_code")),
                         .description = text_in(*answer, "description")};
        if (const auto* const parameters = object_in(*answer, "parameters")) {
            refused.retry_after_s = number_in(*parameters, "retry_after");
            refused.migrate_to_chat_id = number_in(*parameters, "migrate_to_chat_id");
        }
        return failure_of(head, std::move(refused), what);
    }
    const auto* const result = object_in(*answer, "result");
    if (result == nullptr)
        return Failure{FailureKind::outcome_unknown,
                       fmt::format("{}: an answer without result", what)};
    return *result;
}

}  // namespace

Result<Sent> read_sent(const http::ResponseHead& head, std::string_view body,
                       std::string_view what) {
    const auto message = result_of(head, body, what);
    if (!message) return message.error();
    for (const auto& [key, kind] : kind_keys) {
        const auto* const media = media_in(*message, key);
        if (media == nullptr) continue;
        Sent sent{.actual_kind = kind,
                  .file_id = text_in(*media, "file_id"),
                  .file_unique_id = text_in(*media, "file_unique_id"),
                  .message_id = number_in(*message, "message_id")};
        if (const auto* const chat = object_in(*message, "chat"))
            sent.chat_id = number_in(*chat, "id");
        if (sent.file_id.empty()) break;
        return sent;
    }
    // Asking again would post it again, and be answered likewise.
    return Failure{FailureKind::refused, fmt::format("{}: posted, but no file_id came back", what)};
}

Result<BotIdentity> read_identity(const http::ResponseHead& head, std::string_view body,
                                  std::string_view what) {
    const auto user = result_of(head, body, what);
    if (!user) return user.error();
    return BotIdentity{.id = number_in(*user, "id"), .username = text_in(*user, "username")};
}

}  // namespace prewarm::telegram
