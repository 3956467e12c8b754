#include "consumer/bots.hpp"

#include <algorithm>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/media.hpp"
#include "common/base/text.hpp"

namespace prewarm {
namespace {

namespace json = boost::json;

constexpr std::string_view shape =
    R"({"<bot_slug>": {"token": "123456:ABC...", "storage_chats": [-1001234567890]}})";

bool is_token(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == 0 || colon == std::string_view::npos || colon + 1 == text.size()) return false;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return std::ranges::all_of(text.substr(0, colon), is_digit) &&
           std::ranges::all_of(text.substr(colon + 1), [&](char c) {
               return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                      c == '-';
           });
}

/// Problems found are added to `problems`, each named by `slug`.
std::optional<Bot> read_bot(std::string_view slug, const json::value& value,
                            std::vector<std::string>& problems) {
    Bot bot;
    const auto* object = value.if_object();
    const auto* token = object ? object->if_contains("token") : nullptr;
    const auto* chats = object ? object->if_contains("storage_chats") : nullptr;
    if (token == nullptr || !token->is_string() || !is_token(token->get_string())) {
        problems.push_back(fmt::format("bot `{}`: token must be text like 123456:ABC...", slug));
    } else {
        bot.token = Secret{std::string{token->get_string()}};
    }
    const auto is_chat = [](const json::value& id) { return id.is_int64() && id.get_int64() != 0; };
    if (chats == nullptr || !chats->is_array() || chats->get_array().empty() ||
        !std::ranges::all_of(chats->get_array(), is_chat)) {
        problems.push_back(
            fmt::format("bot `{}`: storage_chats must be a list of one or more chat ids, such as "
                        "[-1001234567890]",
                        slug));
        return std::nullopt;
    }
    for (const auto& chat : chats->get_array())
        bot.storage_chats.push_back(chat.get_int64());
    return bot;
}

}  // namespace

Result<Bots> read_bots(std::string_view text) {
    boost::system::error_code error;
    const auto parsed = json::parse(text, error);
    if (error || !parsed.is_object()) {
        return Failure{FailureKind::misconfigured,
                       fmt::format("it is not JSON of the form {}{}", shape,
                                   error ? ": " + error.message() : "")};
    }
    Bots bots;
    std::vector<std::string> problems;
    for (const auto& [slug, value] : parsed.get_object()) {
        if (!is_bot_slug(slug)) {
            problems.push_back(fmt::format("bot `{}`: a slug matches ^[a-z0-9][a-z0-9_-]{{0,63}}$",
                                           printable(slug, 80)));
        } else if (auto bot = read_bot(slug, value, problems)) {
            bots.emplace(slug, std::move(*bot));
        }
    }
    if (parsed.get_object().empty()) {
        problems.push_back(fmt::format("it names no bot; it has the form {}", shape));
    }
    if (!problems.empty()) {
        return Failure{FailureKind::misconfigured, fmt::format("{}", fmt::join(problems, "\n"))};
    }
    return bots;
}

}  // namespace prewarm
