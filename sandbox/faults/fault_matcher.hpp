/// Which fault a request is to meet. Pure: no I/O, no clock, and chance comes from the rules'
/// seeds.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "sandbox/faults/fault_rule.hpp"

namespace prewarm::sandbox {

/// A request, as far as rules ask about it.
struct FaultQuery {
    FaultSide side = FaultSide::telegram;
    std::optional<std::int64_t> bot_id{};
    std::optional<std::int64_t> chat_id{};
    std::string_view method{};
    std::string_view key{};
    /// Of Telegram's request body, of R2's object; unknown before a chunked body was read.
    std::optional<std::uint64_t> bytes{};
    /// Telegram's requests are asked about twice. Rules that break a body off are for the first
    /// time, all others for the second.
    bool body_is_read = false;
};

class FaultMatcher {
public:
    FaultMatcher() = default;
    explicit FaultMatcher(FaultScript script) { use(std::move(script)); }

    /// Forgets the rules so far and their counts.
    void use(FaultScript script);

    /// Of the first rule, in their order, that wants to be played. Counts.
    std::optional<Fault> match(const FaultQuery& query);

    bool has_rules() const { return !rules_.empty(); }
    const boost::json::value& source() const { return source_; }

    /// How often each rule's filter let a request through, and how often it was played.
    boost::json::value counts() const;

private:
    struct Rule {
        FaultRule rule;
        std::mt19937 lots;
        std::uint64_t matched = 0;
        std::uint64_t played = 0;
    };
    static bool wants_to_play(Rule& rule);

    std::vector<Rule> rules_;
    boost::json::value source_ = boost::json::array{};
};

}  // namespace prewarm::sandbox
