#include "consumer/adapters/redis_turns.hpp"

#include <string>

#include "common/budget/rules.hpp"

namespace prewarm {

Task<budget::Answer> RedisTurns::ask(std::string_view bot_slug, const budget::Request& request) {
    static const redis::Script script{budget::shared_rules()};
    const auto reply = co_await connection_.eval(
        script, {"prewarm:budget:{" + std::string{bot_slug} + "}"}, {budget::encode(request)});
    if (!reply) co_return reply.error();
    const auto* text = reply->string();
    if (text == nullptr) {
        co_return Failure{FailureKind::transient, "Redis: a script was answered wrongly"};
    }
    co_return budget::decode_answer(*text);
}

}  // namespace prewarm
