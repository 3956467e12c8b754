#include "sandbox/faults/read_faults.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t longest_ms = 3'600'000;

/// Reads a rule's fields and keeps the first thing that is wrong.
class Fields {
public:
    explicit Fields(const json::object& object) : object_{object} {}

    bool has(std::string_view name) { return find(name) != nullptr; }

    std::string text(std::string_view name) {
        const auto* const value = find(name);
        if (value == nullptr) return {};
        if (!value->is_string()) wrong(name, "must be a text");
        return value->is_string() ? std::string{value->get_string()} : std::string{};
    }

    std::string one_of(std::string_view name, const std::vector<std::string_view>& choices) {
        auto chosen = text(name);
        if (object_.contains(name) && std::ranges::find(choices, chosen) == choices.end())
            wrong(name, fmt::format("must be one of {}", fmt::join(choices, ", ")));
        return chosen;
    }

    std::int64_t number(std::string_view name, std::int64_t least, std::int64_t most,
                        std::int64_t otherwise) {
        const auto* const value = find(name);
        if (value == nullptr) return otherwise;
        boost::system::error_code error;
        const auto number = value->to_number<std::int64_t>(error);
        if (!error && number >= least && number <= most) return number;
        wrong(name, fmt::format("must be a whole number from {} to {}", least, most));
        return otherwise;
    }

    std::optional<std::int64_t> number(std::string_view name) {
        if (!has(name)) return std::nullopt;
        return number(name, INT64_MIN, INT64_MAX, 0);
    }

    std::optional<std::uint64_t> bytes(std::string_view name) {
        if (!has(name)) return std::nullopt;
        return static_cast<std::uint64_t>(number(name, 0, INT64_MAX, 0));
    }

    double fraction(std::string_view name) {
        const auto* const value = find(name);
        if (value == nullptr) return 1;
        boost::system::error_code error;
        const auto number = value->to_number<double>(error);
        if (!error && number >= 0 && number <= 1) return number;
        wrong(name, "must be a number from 0 to 1");
        return 1;
    }

    /// `true`, or left out.
    bool flag(std::string_view name) {
        const auto* const value = find(name);
        if (value == nullptr) return false;
        if (!value->is_bool() || !value->get_bool()) wrong(name, "must be true, or left out");
        return true;
    }

    milliseconds ms(std::string_view name) { return milliseconds{number(name, 1, longest_ms, 0)}; }

    void needs(std::string_view name, std::string_view other) {
        if (object_.contains(name) && !object_.contains(other))
            wrong(name, fmt::format("needs \"{}\" beside it", other));
    }

    /// At most one of these, which all say how a request ends.
    void only_one_of(const std::vector<std::string_view>& names) {
        std::string_view first;
        for (const auto name : names) {
            if (!object_.contains(name)) continue;
            if (!first.empty()) wrong(name, fmt::format("cannot be beside \"{}\"", first));
            first = name;
        }
    }

    void wrong(std::string_view name, std::string_view what) {
        if (problem_.empty()) problem_ = fmt::format("\"{}\" {}", name, what);
    }

    /// Call when all have been asked for: the rest is wrong, too.
    void no_others() {
        for (const auto& [name, value] : object_) {
            if (std::ranges::find(known_, std::string_view{name}) != known_.end()) continue;
            const auto fields =
                fmt::format("is no field of such a rule: there are {}", fmt::join(known_, ", "));
            wrong(std::string_view{name}, fields);
        }
    }

    const std::string& problem() const { return problem_; }

private:
    const json::value* find(std::string_view name) {
        if (std::ranges::find(known_, name) == known_.end()) known_.emplace_back(name);
        return object_.if_contains(name);
    }

    const json::object& object_;
    std::vector<std::string> known_;
    std::string problem_;
};

void read_common(Fields& fields, FaultRule& rule) {
    rule.name = fields.text("name");
    rule.filter.method = fields.text("method");
    rule.filter.min_bytes = fields.bytes("min_bytes").value_or(0);
    rule.filter.max_bytes = fields.bytes("max_bytes").value_or(UINT64_MAX);
    rule.after = fields.bytes("after").value_or(0);
    rule.times = fields.bytes("times").value_or(UINT64_MAX);
    rule.fraction = fields.fraction("fraction");
    rule.seed = static_cast<std::uint32_t>(fields.number("seed", 0, UINT32_MAX, 1));
    rule.fault.status = static_cast<unsigned>(fields.number("status", 200, 599, 0));
    rule.fault.hang = fields.ms("hang_ms");
}

BreakOff break_off_named(std::string_view name) {
    if (name == "before") return BreakOff::before;
    if (name == "middle") return BreakOff::middle;
    return name == "after" ? BreakOff::after : BreakOff::no;
}

/// As the stage that uploads the bytes has it: no status and no parameter tells.
void hide_429(std::int64_t wait_s, Fault& fault) {
    fault.status = 400;
    fault.text = fmt::format("Bad Request: too Many Requests: retry after {}", wait_s);
}

void read_telegram(Fields& fields, FaultRule& rule) {
    auto& fault = rule.fault;
    rule.filter.bot_id = fields.number("bot");
    rule.filter.chat_id = fields.number("chat");
    fault.text = fields.text("description");
    fault.retry_after = seconds{fields.number("retry_after", 1, INT32_MAX, 0)};
    fault.migrate_to_chat_id = fields.number("migrate_to_chat_id").value_or(0);
    if (fields.has("body")) fault.body = fields.text("body");
    fault.content_type = fields.text("content_type");
    for (const auto* const name : {"description", "retry_after", "migrate_to_chat_id", "body"})
        fields.needs(name, "status");
    fields.needs("content_type", "body");
    if (fields.has("hidden_429")) hide_429(fields.number("hidden_429", 1, INT32_MAX, 1), fault);
    fault.break_off = break_off_named(fields.one_of("reset", {"before", "middle", "after"}));
    if (fields.flag("lose_answer")) fault.break_off = BreakOff::closes_after;
    fault.drip = fields.ms("drip_ms");

    fields.no_others();
    fields.only_one_of({"status", "hidden_429", "reset", "lose_answer"});
    for (const auto* const end : {"reset", "lose_answer"})
        fields.only_one_of({end, "drip_ms"});
    const bool is_early =
        fault.break_off == BreakOff::before || fault.break_off == BreakOff::middle;
    if (rule.filter.chat_id && is_early)
        fields.wrong("chat", "is not known yet when a reset comes before or amid the body");
    if (fault.status == 0 && fault.break_off == BreakOff::no && fault.hang.count() == 0 &&
        fault.drip.count() == 0)
        fields.wrong("side",
                     "is all that is said: add status, hidden_429, reset, lose_answer, hang_ms or "
                     "drip_ms");
}

void read_r2(Fields& fields, FaultRule& rule) {
    auto& fault = rule.fault;
    rule.filter.key_prefix = fields.text("key");
    fault.code = fields.text("code");
    fault.text = fields.text("message");
    fields.needs("code", "status");
    fields.needs("message", "status");
    if (fault.status != 0 && fault.code.empty()) fault.code = "InternalError";
    if (fields.flag("slow_down")) {
        fault.status = 503;
        fault.code = "SlowDown";
        fault.text = "Please reduce your request rate.";
    }
    if (fields.flag("skew")) {
        fault.status = 403;
        fault.code = "RequestTimeTooSkewed";
        fault.text = "The difference between the request time and the current time is too large.";
    }
    fault.break_off = break_off_named(fields.one_of("reset", {"before"}));
    fault.cut = fields.bytes("cut");
    fault.corrupt = fields.bytes("corrupt");
    fault.stall = fields.ms("stall_ms");
    fault.stall_at = fields.bytes("stall_at").value_or(0);
    fields.needs("stall_at", "stall_ms");
    fault.change = fields.flag("change");

    fields.no_others();
    fields.only_one_of({"status", "slow_down", "skew", "reset"});
    const bool ends = fault.status != 0 || fault.break_off != BreakOff::no;
    const bool harms = fault.cut || fault.corrupt || fault.stall.count() > 0 || fault.change;
    if (ends && harms)
        fields.wrong("side", "has both an error and a body to be harmed: make two rules of it");
    if (!ends && !harms && fault.hang.count() == 0)
        fields.wrong("side",
                     "is all that is said: add status, slow_down, skew, reset, cut, corrupt, "
                     "stall_ms, change or hang_ms");
}

Result<FaultRule> read_rule(const json::value& value, std::size_t number) {
    const auto wrong = [&](std::string_view what) {
        return Failure{FailureKind::misconfigured, fmt::format("rule {}: {}", number, what)};
    };
    const auto* const object = value.if_object();
    if (object == nullptr) return wrong("must be an object");
    Fields fields{*object};
    FaultRule rule;
    const auto side = fields.one_of("side", {"telegram", "r2"});
    if (!object->contains("side")) fields.wrong("side", "is missing: it is telegram or r2");
    // Without it other fields cannot be told right from wrong.
    if (!fields.problem().empty()) return wrong(fields.problem());
    read_common(fields, rule);
    if (side == "r2") {
        rule.side = FaultSide::r2;
        read_r2(fields, rule);
    } else {
        read_telegram(fields, rule);
    }
    if (!fields.problem().empty()) return wrong(fields.problem());
    return rule;
}

}  // namespace

Result<FaultScript> read_faults(std::string_view json_text) {
    boost::system::error_code error;
    FaultScript script{.rules = {},
                       .source = json::parse({json_text.data(), json_text.size()}, error)};
    if (error || !script.source.is_array())
        return Failure{FailureKind::misconfigured,
                       fmt::format("the faults must be a JSON array of rules, such as "
                                   "[{{\"side\": \"telegram\", \"status\": 500}}]{}{}",
                                   error ? ": " : "", error ? error.message() : "")};
    for (const auto& value : script.source.get_array()) {
        auto rule = read_rule(value, script.rules.size() + 1);
        if (!rule) return rule.error();
        script.rules.push_back(std::move(*rule));
    }
    return script;
}

Result<FaultScript> read_faults_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) return Failure{FailureKind::misconfigured, path + " cannot be read"};
    auto script = read_faults(std::string{std::istreambuf_iterator<char>{file}, {}});
    if (!script) return Failure{FailureKind::misconfigured, path + ": " + script.error().detail};
    return script;
}

}  // namespace prewarm::sandbox
