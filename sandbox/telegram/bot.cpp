#include "sandbox/telegram/bot.hpp"

#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "sandbox/number.hpp"

namespace prewarm::sandbox {

std::optional<Bot> bot_of_token(std::string_view token) {
    constexpr std::string_view allowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const auto colon = token.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto secret = token.substr(colon + 1);
    if (secret.size() < 30 || secret.size() > 64 ||
        secret.find_first_not_of(allowed) != std::string_view::npos)
        return std::nullopt;
    const auto id = number_in<std::int64_t>(token.substr(0, colon));
    if (!id || *id <= 0) return std::nullopt;
    return Bot{.id = *id, .username = fmt::format("sandbox_{}_bot", *id)};
}

Result<BotList> read_bots_file(const std::string& path) {
    const auto wrong = [&](std::string_view why) {
        return Failure{FailureKind::misconfigured,
                       fmt::format("bots file {}: {}; it should be like {{\"main\": {{\"token\": "
                                   "\"<digits>:<secret>\", \"storage_chats\": [-1001]}}}}",
                                   path, why)};
    };
    std::ifstream file{path};
    std::ostringstream text;
    if (!(text << file.rdbuf())) return wrong("it cannot be read");
    boost::system::error_code error;
    const auto document = boost::json::parse(text.str(), error);
    if (error || !document.is_object()) return wrong("it is not a JSON object");

    BotList bots;
    for (const auto& [slug, entry] : document.as_object()) {
        const auto* const fields = entry.if_object();
        const auto* const token = fields != nullptr ? fields->if_contains("token") : nullptr;
        if (token == nullptr || !token->is_string())
            return wrong(fmt::format("'{}' has no token", std::string_view{slug}));
        const auto& secret = token->as_string();
        auto bot = bot_of_token(std::string_view{secret.data(), secret.size()});
        if (!bot)
            return wrong(fmt::format("the token of '{}' is malformed", std::string_view{slug}));
        bot->username = fmt::format("{}_bot", std::string_view{slug});
        bots.emplace(secret.c_str(), std::move(*bot));
    }
    return bots;
}

}  // namespace prewarm::sandbox
