#include "sandbox/faults/fault_matcher.hpp"

#include <boost/algorithm/string/predicate.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace prewarm::sandbox {
namespace {

bool acts_before_the_body(const Fault& fault) {
    return fault.break_off == BreakOff::before || fault.break_off == BreakOff::middle;
}

/// A body is harmed where there is one; that an object is another one HEAD shows, too.
bool suits(const Fault& fault, std::string_view method) {
    if (fault.cut || fault.corrupt || fault.stall.count() > 0) return method == "GET";
    return !fault.change || method == "GET" || method == "HEAD";
}

bool lets_through(const FaultFilter& filter, const FaultQuery& query) {
    if (filter.bot_id && filter.bot_id != query.bot_id) return false;
    if (filter.chat_id && filter.chat_id != query.chat_id) return false;
    if (!filter.method.empty() && !boost::algorithm::iequals(filter.method, query.method))
        return false;
    if (!query.key.starts_with(filter.key_prefix)) return false;
    if (filter.min_bytes == 0 && filter.max_bytes == UINT64_MAX) return true;
    return query.bytes && *query.bytes >= filter.min_bytes && *query.bytes <= filter.max_bytes;
}

bool is_for(const FaultRule& rule, const FaultQuery& query) {
    if (rule.side != query.side || !suits(rule.fault, query.method)) return false;
    if (query.side == FaultSide::telegram && acts_before_the_body(rule.fault) == query.body_is_read)
        return false;
    return lets_through(rule.filter, query);
}

}  // namespace

void FaultMatcher::use(FaultScript script) {
    rules_.clear();
    for (auto& rule : script.rules) {
        const auto seed = rule.seed;
        rules_.push_back({.rule = std::move(rule), .lots = std::mt19937{seed}});
    }
    source_ = std::move(script.source);
}

bool FaultMatcher::wants_to_play(Rule& rule) {
    if (++rule.matched <= rule.rule.after || rule.played >= rule.rule.times) return false;
    // A library's own distribution would draw other lots than another library's.
    const double lot = static_cast<double>(rule.lots()) / 4294967296.0;
    if (lot >= rule.rule.fraction) return false;
    ++rule.played;
    return true;
}

std::optional<Fault> FaultMatcher::match(const FaultQuery& query) {
    for (auto& rule : rules_) {
        if (is_for(rule.rule, query) && wants_to_play(rule)) return rule.rule.fault;
    }
    return std::nullopt;
}

boost::json::value FaultMatcher::counts() const {
    boost::json::array counts;
    for (const auto& rule : rules_) {
        boost::json::object count{
            {"rule", counts.size() + 1}, {"matched", rule.matched}, {"played", rule.played}};
        if (!rule.rule.name.empty()) count["name"] = rule.rule.name;
        counts.push_back(std::move(count));
    }
    return counts;
}

}  // namespace prewarm::sandbox
