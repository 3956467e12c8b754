#include "common/telegram/api_error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/http/client.hpp"

namespace prewarm::telegram {
namespace {

constexpr std::size_t most_detail_bytes = 300;

struct Phrase {
    std::string_view text;  ///< In lower case.
    FailureKind kind;
};

// What a 400 may be besides the file's fault. Descriptions begin with a prefix, and now and then
// come as the raw name behind them, so they are looked for anywhere and in any case.
constexpr std::array phrases{
    Phrase{"too big for a", FailureKind::too_large},
    Phrase{"request entity too large", FailureKind::too_large},
    Phrase{"file is too big", FailureKind::too_large},
    Phrase{"group send failed", FailureKind::way_closed},  // Of an album.
    Phrase{"temporarily unavailable", FailureKind::transient},
    // The chat's fault: another one may do.
    Phrase{"chat not found", FailureKind::chat_refused},
    Phrase{"chat_id is empty", FailureKind::chat_refused},
    Phrase{"no write access", FailureKind::chat_refused},
    Phrase{"not enough rights", FailureKind::chat_refused},
    Phrase{"have no rights", FailureKind::chat_refused},
    Phrase{"need administrator rights", FailureKind::chat_refused},
    Phrase{"chat_write_forbidden", FailureKind::chat_refused},
    Phrase{"chat_send_", FailureKind::chat_refused},
    Phrase{"chat_restricted", FailureKind::chat_refused},
    Phrase{"chat_admin_required", FailureKind::chat_refused},
    Phrase{"user restricted receiving", FailureKind::chat_refused},
    Phrase{"voice_messages_forbidden", FailureKind::chat_refused},
    Phrase{"message thread not found", FailureKind::chat_refused},
    Phrase{"upgraded to a supergroup", FailureKind::chat_refused},
    Phrase{"bot was kicked", FailureKind::chat_refused},
    Phrase{"bot is not a member", FailureKind::chat_refused},
    Phrase{"user_is_blocked", FailureKind::chat_refused},
    Phrase{"peer_id_invalid", FailureKind::chat_refused},
};

/// One that lets anybody in may be quoted.
std::string without_urls(std::string text) {
    constexpr std::string_view blanks = " \t\r\n\"'<>";
    for (std::size_t at = 0; (at = text.find("://", at)) != std::string::npos;) {
        const auto begin = text.find_last_of(blanks, at);
        const auto first = begin == std::string::npos ? 0 : begin + 1;
        text.replace(first, text.find_first_of(blanks, at) - first, "(a URL)");
        at = first;
    }
    return text;
}

/// The number after `words` in `text`, wherever that is.
std::optional<std::int64_t> number_after(std::string_view text, std::string_view words) {
    const auto at = text.find(words);
    if (at == std::string_view::npos) return std::nullopt;
    const auto rest = text.substr(at + words.size());
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error == std::errc::result_out_of_range) return std::numeric_limits<std::int64_t>::max();
    if (error != std::errc{} || number < 0) return std::nullopt;
    return number;
}

/// A flood hides in errors of any code: the upload's own stage turns its into 400, without
/// parameters.
std::optional<std::int64_t> asked_to_wait_s(const http::ResponseHead& head, const ApiError& error,
                                            std::string_view lower_description) {
    if (error.retry_after_s > 0) return error.retry_after_s;
    for (const auto* words : {"retry after ", "flood_wait_", "flood_premium_wait_"}) {
        if (const auto seconds = number_after(lower_description, words)) return seconds;
    }
    if (error.code != 429) return std::nullopt;
    if (const auto seconds = head.retry_after()) return seconds->count();
    return std::nullopt;
}

FailureKind kind_of_code(int code) {
    switch (code) {
        case 401:
        case 404:  // A malformed token.
        case 421:  // Another server answers for this token.
            return FailureKind::bot_refused;
        case 403:
            return FailureKind::chat_refused;
        case 408:
        case 409:
            return FailureKind::transient;
        case 504:
            return FailureKind::outcome_unknown;
        case 413:
            return FailureKind::too_large;
        case 429:
            return FailureKind::throttled;
        default:
            if (code >= 500) return FailureKind::unavailable;
            return code >= 400 ? FailureKind::refused : FailureKind::outcome_unknown;
    }
}

FailureKind kind_of(int code, std::string_view lower_description) {
    // Of one's own, too old for the method.
    const bool unknown_method =
        lower_description.find("method not found") != std::string_view::npos;
    if (code == 404 && unknown_method) return FailureKind::misconfigured;
    // "sent message was immediately deleted and can't be returned": it was posted.
    if (lower_description.find("immediately deleted") != std::string_view::npos)
        return FailureKind::outcome_unknown;
    if (code == 400) {
        for (const auto& phrase : phrases) {
            if (lower_description.find(phrase.text) != std::string_view::npos) return phrase.kind;
        }
    }
    return kind_of_code(code);
}

struct FailedItem {
    std::size_t index = 0;  ///< From 0.
    std::string description;
};

/// `failed to send message #2 with the error message "..."`.
std::optional<FailedItem> failed_item(std::string_view description) {
    constexpr std::string_view text_follows = "with the error message \"";
    const auto number = number_after(description, "failed to send message #");
    const auto text = description.find(text_follows);
    if (!number || *number < 1 || text == std::string_view::npos) return std::nullopt;
    auto inner = description.substr(text + text_follows.size());
    inner = inner.substr(0, inner.rfind('"'));
    return FailedItem{.index = static_cast<std::size_t>(*number - 1),
                      .description = "Bad Request: " + std::string{inner}};
}

/// One file's, and not that of all that were sent with it.
bool may_be_one_items(FailureKind kind) {
    return kind == FailureKind::refused || kind == FailureKind::too_large ||
           kind == FailureKind::transient || kind == FailureKind::way_closed;
}

}  // namespace

Failure failure_of(const http::ResponseHead& head, ApiError error, std::string_view what) {
    if (error.code == 0) error.code = head.status;
    auto lower = error.description;
    for (auto& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    auto detail = fmt::format("{}: {}: {}", what, error.code,
                              printable(without_urls(error.description), most_detail_bytes));
    if (error.migrate_to_chat_id != 0)
        detail += fmt::format(" (its id is now {})", error.migrate_to_chat_id);

    if (const auto seconds = asked_to_wait_s(head, error, lower)) {
        // A year is for ever, and does not overflow whatever it is turned into.
        constexpr std::int64_t most_seconds = 365 * 24 * 3600;
        return {FailureKind::throttled, std::move(detail),
                std::chrono::seconds{std::min(*seconds, most_seconds)}};
    }
    Failure failure{kind_of(error.code, lower), std::move(detail)};
    if (error.migrate_to_chat_id != 0) {
        failure.kind = FailureKind::chat_refused;
        failure.chat_is_now = error.migrate_to_chat_id;
    }
    return failure;
}

Failure of_album(Failure failure) {
    if (failure.kind == FailureKind::refused || failure.kind == FailureKind::too_large)
        failure.kind = FailureKind::way_closed;
    return failure;
}

std::vector<Failure> failures_of_album(const http::ResponseHead& head, const ApiError& error,
                                       std::size_t items, std::string_view what) {
    const auto item = failed_item(error.description);
    if (!item || item->index >= items) return {items, of_album(failure_of(head, error, what))};
    auto inner = failure_of(head, {.code = 400, .description = item->description}, what);
    if (!may_be_one_items(inner.kind)) return {items, inner};
    std::vector<Failure> failures{
        items, Failure{FailureKind::way_closed,
                       fmt::format("{}: another one of the album: {}", what, inner.detail)}};
    failures[item->index] = std::move(inner);
    return failures;
}

Failure failure_of_other(const http::ResponseHead& head, std::string_view what) {
    auto failure = http::failure_of(head, what);
    failure.detail += ", and not the Bot API's answer";
    if (head.status < 300 || head.status == 504) failure.kind = FailureKind::outcome_unknown;
    // Not the file's fault: the Bot API says in words what is wrong with a file.
    if (failure.kind == FailureKind::refused) failure.kind = FailureKind::transient;
    // Nor the token's: of that the Bot API says so itself.
    if (failure.kind == FailureKind::not_found) failure.kind = FailureKind::misconfigured;
    return failure;
}

}  // namespace prewarm::telegram
