#include "producer/dead_letters/letter_filter.hpp"

#include <algorithm>

#include <boost/algorithm/string/predicate.hpp>

namespace prewarm::producer {

bool LetterFilter::matches(const DeadLetter& letter) const {
    const auto is_reason = [&](const std::string& reason) {
        return boost::algorithm::iequals(reason, letter.reason);
    };
    if (!reasons.empty() && std::ranges::none_of(reasons, is_reason)) return false;
    if (!bot.empty() && bot != letter.bot_slug) return false;
    if (since && !(letter.died_at && *letter.died_at >= *since)) return false;
    const auto names_it = [&](const std::string& name) { return is_named(letter, name); };
    return names.empty() || std::ranges::any_of(names, names_it);
}

bool LetterFilter::selects() const {
    return !reasons.empty() || !bot.empty() || since || !names.empty();
}

bool is_named(const DeadLetter& letter, std::string_view name) {
    constexpr std::size_t shortest = 4;
    if (name.empty()) return false;
    return (name.size() >= shortest && boost::algorithm::istarts_with(letter.id, name)) ||
           name == letter.event_id || name == letter.message_id;
}

}  // namespace prewarm::producer
