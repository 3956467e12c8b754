/// Faults that somebody has scripted: for which requests, how often, and what goes wrong.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

namespace prewarm::sandbox {

enum class FaultSide : std::uint8_t { telegram, r2 };

/// When a connection is reset: of a request's body nothing was read, half of it, or all, and what
/// it asked for was done; or then, instead of being reset, it is closed.
enum class BreakOff : std::uint8_t { no, before, middle, after, closes_after };

/// What goes wrong with one request. All that is not set goes as it always does.
struct Fault {
    std::chrono::milliseconds hang{0};  ///< Before anything else is done about it.

    unsigned status = 0;  ///< Not 0: this is answered instead, and nothing is done.
    std::string code;     ///< R2's `SlowDown`.
    std::string text;     ///< Telegram's description, R2's message; empty: the status's own.
    std::chrono::seconds retry_after{0};
    std::int64_t migrate_to_chat_id = 0;
    std::optional<std::string> body;  ///< Instead of JSON, as a proxy answers.
    std::string content_type;         ///< Of `body`.

    BreakOff break_off = BreakOff::no;
    std::chrono::milliseconds drip{0};  ///< Between two bytes of Telegram's answer.

    // To R2's body. Bytes are counted from the answer's first, `corrupt` from the object's.
    std::optional<std::uint64_t> cut;  ///< The connection is closed after so many bytes.
    std::optional<std::uint64_t> corrupt;
    std::uint64_t stall_at = 0;
    std::chrono::milliseconds stall{0};
    bool change = false;  ///< Another object stands under this key: ETag and every byte.
};

/// What is not set is not asked for.
struct FaultFilter {
    std::optional<std::int64_t> bot_id;
    std::optional<std::int64_t> chat_id;
    std::string method;      ///< `sendVideo`, `GET`; in any case.
    std::string key_prefix;  ///< Of R2's key, without the bucket.
    std::uint64_t min_bytes = 0;
    std::uint64_t max_bytes = UINT64_MAX;
};

struct FaultRule {
    std::string name;  ///< For the figures; may be empty.
    FaultSide side = FaultSide::telegram;
    FaultFilter filter;
    std::uint64_t after = 0;           ///< So many that the filter lets through go unharmed first.
    std::uint64_t times = UINT64_MAX;  ///< How often it is played.
    double fraction = 1;               ///< Of those that are left, by lot.
    std::uint32_t seed = 1;            ///< The same seed, the same lots.
    Fault fault;
};

struct FaultScript {
    std::vector<FaultRule> rules;
    boost::json::value source = boost::json::array{};  ///< As it was given.
};

}  // namespace prewarm::sandbox
