#include "consumer/queue_terms.hpp"

#include <array>
#include <cstdint>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "common/base/text.hpp"

namespace prewarm {
namespace {

namespace json = boost::json;

/// A value and who set it.
struct Term {
    const json::value* value = nullptr;
    bool by_policy = false;
};

/// Both sources of a queue's terms; `answer` outlives it.
class Terms {
public:
    Terms(const json::object& answer, const json::object& arguments, const json::object* policy)
        : arguments_{arguments}, policy_{policy}, policies_{named_policies(answer)} {}

    Term by_argument(std::string_view key) const {
        return {arguments_.if_contains("x-" + std::string{key}), false};
    }
    Term by_policy(std::string_view key) const {
        return {policy_ ? policy_->if_contains(key) : nullptr, true};
    }

    std::string described(std::string_view key, const Term& term) const {
        if (!term.value) return fmt::format("`{}` is not set", key);
        return fmt::format("`{}` is {} by {}", key, shown(*term.value),
                           term.by_policy ? policies_ : "an argument of the queue");
    }

    static std::string_view remedy(const Term& term) {
        return term.by_policy
                   ? "take it out of that policy, or give this queue a policy of higher priority "
                     "without it"
                   : "arguments cannot be changed: delete the queue once it is empty, and the "
                     "service declares it anew when it connects";
    }

private:
    static std::string shown(const json::value& value) {
        return printable(
            value.is_string() ? std::string{value.get_string()} : json::serialize(value), 100);
    }

    /// The answer does not tell which of two policies set a key.
    static std::string named_policies(const json::object& answer) {
        std::string names;
        for (const auto& [key, kind] :
             {std::pair{"policy", "policy"}, std::pair{"operator_policy", "operator policy"}}) {
            const auto* name = answer.if_contains(key);
            if (!name || !name->is_string()) continue;
            names += fmt::format("{}{} `{}`", names.empty() ? "" : " or ", kind, shown(*name));
        }
        return names.empty() ? "a policy" : names;
    }

    const json::object& arguments_;
    const json::object* policy_;
    std::string policies_;
};

enum class Overrules : std::uint8_t { argument, policy };

/// A term whose value is part of the agreement.
struct Agreed {
    std::string_view key;
    std::string_view value;
    Overrules overrules;
    std::string_view otherwise;
};

/// A term that must not be there.
struct Unwanted {
    std::string_view key;
    std::string_view effect;
};

constexpr std::array unwanted_for_uploads{
    Unwanted{"message-ttl",
             "events that wait longer are dead-lettered though nothing is wrong with them, and "
             "nobody is told"},
    Unwanted{"expires",
             "the broker deletes the queue, with the events in it, when no consumer has been there "
             "for so long"},
    Unwanted{"max-length",
             "with so many events waiting, new ones are refused, or the oldest are pushed out"},
    Unwanted{"max-length-bytes",
             "with so many bytes waiting, new events are refused, or the oldest are pushed out"},
};

// Nothing takes dead letters but an operator, and what the broker drops here is lost.
constexpr std::array unwanted_for_dead_letters{
    Unwanted{"message-ttl", "dead letters vanish that nobody has looked at for so long"},
    Unwanted{"expires",
             "the broker deletes the queue, with the dead letters in it, when nobody has looked at "
             "it for so long"},
    Unwanted{"max-length", "with so many dead letters, the oldest vanish or new ones get stuck"},
    Unwanted{"max-length-bytes",
             "with so many bytes of dead letters, the oldest vanish or new ones get stuck"},
};

void judge(const Terms& terms, const Agreed& agreed, std::vector<std::string>& faults) {
    auto term = terms.by_argument(agreed.key);
    const auto policy = terms.by_policy(agreed.key);
    if (policy.value && (!term.value || agreed.overrules == Overrules::policy)) term = policy;
    if (term.value && term.value->is_string() && term.value->get_string() == agreed.value) return;
    faults.push_back(fmt::format("{}, not {}: {}; {}.", terms.described(agreed.key, term),
                                 agreed.value, agreed.otherwise, Terms::remedy(term)));
}

void judge(const Terms& terms, const Unwanted& term, std::vector<std::string>& faults) {
    for (const auto& found : {terms.by_argument(term.key), terms.by_policy(term.key)}) {
        if (!found.value) continue;
        faults.push_back(fmt::format("{}: {}; {}.", terms.described(term.key, found), term.effect,
                                     Terms::remedy(found)));
    }
}

/// The lower of both comes into force.
void judge_delivery_limit(const Terms& terms, std::vector<std::string>& faults) {
    constexpr std::string_view key = "delivery-limit";
    const auto argument = terms.by_argument(key);
    const auto policy = terms.by_policy(key);
    if (!argument.value && !policy.value) {
        faults.push_back(
            fmt::format("`{}` is not set: events are dead-lettered after 20 "
                        "deliveries or never, as the broker's version has it; {}.",
                        key, Terms::remedy(argument)));
    }
    for (const auto& term : {argument, policy}) {
        if (!term.value) continue;
        boost::system::error_code not_whole;
        const auto limit = term.value->to_number<std::int64_t>(not_whole);
        if (!not_whole && limit >= topology::delivery_limit) continue;
        faults.push_back(fmt::format(
            "{}, below {}: {}; {}.", terms.described(key, term), topology::delivery_limit,
            not_whole || limit > 0
                ? "healthy events are dead-lettered when a few instances crash or restart"
                : "some versions of the broker dead-letter every event that goes back even once",
            Terms::remedy(term)));
    }
}

/// `judge_all(terms, faults)` is called with what the answer tells.
template <class JudgeAll>
Result<std::vector<std::string>> faults_of(std::string_view answer, JudgeAll judge_all) {
    const auto not_understood = [](std::string_view what) {
        return Failure{FailureKind::misconfigured,
                       fmt::format("the management API's answer {}", what)};
    };
    boost::system::error_code error;
    const auto parsed = json::parse(answer, error);
    if (error) return not_understood("is not JSON: " + error.message());
    const auto* queue = parsed.if_object();
    const auto* arguments = queue ? queue->if_contains("arguments") : nullptr;
    // Erlang knows no empty object: where it is not told otherwise, it writes an empty list.
    const json::object none;
    const auto object_in = [&none](const json::value& value) -> const json::object* {
        if (value.is_array() && value.get_array().empty()) return &none;
        return value.if_object();
    };
    if (!arguments || !object_in(*arguments)) return not_understood("tells no queue's arguments");
    const auto* policy = queue->if_contains("effective_policy_definition");
    if (!policy) {
        return Failure{FailureKind::transient,
                       "the management API does not tell the queue's policy: it comes with the "
                       "broker's statistics, some seconds after a start, unless they are off"};
    }
    if (!policy->is_null() && !object_in(*policy)) return not_understood("tells no policy");

    std::vector<std::string> faults;
    judge_all(Terms{*queue, *object_in(*arguments), object_in(*policy)}, faults);
    return faults;
}

}  // namespace

Result<std::vector<std::string>> faults_of_upload_queue(std::string_view answer,
                                                        const topology::Names& names) {
    const std::array agreed{
        Agreed{"overflow", "reject-publish", Overrules::policy,
               "the broker falls back to at-most-once dead-lettering, drops the dead letters that "
               "it still holds, and can lose those to come"},
        Agreed{"dead-letter-strategy", "at-least-once", Overrules::argument,
               "dead letters can be lost on their way"},
        Agreed{"dead-letter-exchange", names.dead_letter_exchange, Overrules::argument,
               "dead letters are lost, or end where nobody looks for them"},
        Agreed{"dead-letter-routing-key", names.dead_letter_key, Overrules::argument,
               "dead letters are lost, or end where nobody looks for them"},
    };
    return faults_of(answer, [&](const Terms& terms, std::vector<std::string>& faults) {
        for (const auto& term : agreed)
            judge(terms, term, faults);
        for (const auto& term : unwanted_for_uploads)
            judge(terms, term, faults);
        judge_delivery_limit(terms, faults);
    });
}

Result<std::vector<std::string>> faults_of_dead_letter_queue(std::string_view answer) {
    return faults_of(answer, [](const Terms& terms, std::vector<std::string>& faults) {
        for (const auto& term : unwanted_for_dead_letters)
            judge(terms, term, faults);
    });
}

}  // namespace prewarm
