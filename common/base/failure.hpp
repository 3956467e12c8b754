/// How expected failures travel: as values, with a kind that says what can be done about them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace prewarm {

/// What can be done about a failure; `Failure::detail` says what happened.
enum class FailureKind : std::uint8_t {
    transient,      ///< The same call may succeed later.
    throttled,      ///< The peer asked us to wait: see `retry_after`.
    unavailable,    ///< A dependency is away. No job can succeed and none is to blame.
    misconfigured,  ///< A wrong key, token or bucket of ours. Likewise.
    not_found,      ///< The object does not exist.
    mismatch,       ///< Its bytes are not the ones that were announced.
    too_large,      ///< Over a limit that will not move.
    refused,        ///< Understood, and never to be accepted.
    way_closed,     ///< It does not get to Telegram this way. The next try takes another one.
    chat_refused,   ///< This chat takes nothing from this bot. Another chat may do.
    bot_refused,    ///< Telegram does not know the bot's token (any more).
    /// All was given and no clear answer came: it may have taken effect. Retried, for a duplicate
    /// in a storage chat harms nobody.
    outcome_unknown,
};

/// What a job needs besides its own object.
enum class Dependency : std::uint8_t { postgres, redis, rabbitmq, r2, telegram };
inline constexpr std::array all_dependencies{Dependency::postgres, Dependency::redis,
                                             Dependency::rabbitmq, Dependency::r2,
                                             Dependency::telegram};

/// As metrics and readiness spell it.
std::string_view name_of(Dependency dependency);

/// The kind's name as logs and metrics spell it.
std::string_view name_of(FailureKind kind);

/// `detail` is for people and reaches logs, dead letters and events: it never holds a secret.
struct Failure {
    FailureKind kind;
    std::string detail;
    std::optional<std::chrono::milliseconds> retry_after{};  ///< Set only with `throttled`.
    std::optional<std::int64_t> chat_is_now{};  ///< With `chat_refused`: the id it migrated to.
    std::optional<Dependency> source{};         ///< Who failed, where that is not plain.
};

/// A value, or why there is none. It is std::expected, and a Failure converts to it, so that a
/// function ends with `return Failure{...}` or `co_return other.error()`.
template <class T = void>
class [[nodiscard]] Result : public std::expected<T, Failure> {
public:
    using std::expected<T, Failure>::expected;
    Result(Failure failure) : std::expected<T, Failure>{std::unexpect, std::move(failure)} {}
};

}  // namespace prewarm
