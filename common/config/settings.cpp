#include "common/config/settings.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <ranges>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/text.hpp"

namespace prewarm::config {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return value;
    };
}

std::optional<std::string> read_file(const std::string& path) {
    try {
        std::ifstream in{path, std::ios::binary};
        std::string text{std::istreambuf_iterator<char>{in}, {}};
        if (!in) return std::nullopt;
        return text;
    } catch (const std::ios_base::failure&) {  // A folder: opening it works, reading does not.
        return std::nullopt;
    }
}

Settings::Settings(Environment environment) : environment_{std::move(environment)} {}

std::optional<std::string> Settings::read(const std::string& name) {
    auto value = environment_(name);
    if (value && value->empty()) value.reset();
    const auto file = environment_(name + "_FILE");
    if (!file || file->empty()) return value;
    if (value) {
        problems_.push_back(fmt::format("{0} and {0}_FILE are both set: use one of them", name));
        return std::nullopt;
    }
    auto held = read_file(*file);
    if (!held) {
        problems_.push_back(fmt::format("{}_FILE: cannot read the file `{}`", name, *file));
        return std::nullopt;
    }
    if (held->ends_with('\n')) held->pop_back();
    if (held->ends_with('\r')) held->pop_back();
    if (held->empty()) return std::nullopt;
    return held;
}

std::string Settings::shown(const std::string& name, std::string value) {
    effective_.emplace_back(name, value);
    return value;
}

std::string Settings::text(const std::string& name, std::string_view fallback) {
    return shown(name, read(name).value_or(std::string{fallback}));
}

std::string Settings::required_text(const std::string& name, std::string_view example) {
    auto value = read(name);
    require(value.has_value(), fmt::format("{} is required, for example {}", name, example));
    return shown(name, value.value_or(""));
}

Secret Settings::secret(const std::string& name, std::string_view fallback) {
    auto value = read(name);
    effective_.emplace_back(name, value || !fallback.empty() ? "***" : "");
    return Secret{value.value_or(std::string{fallback})};
}

Secret Settings::required_secret(const std::string& name, std::string_view example) {
    auto value = read(name);
    require(value.has_value(), fmt::format("{} is required, for example {}", name, example));
    effective_.emplace_back(name, "***");
    return Secret{value.value_or("")};
}

std::int64_t Settings::number(const std::string& name, std::int64_t fallback, std::int64_t least,
                              std::int64_t most) {
    auto number = fallback;
    if (const auto value = read(name)) {
        const auto* end = value->data() + value->size();
        const auto [stopped, error] = std::from_chars(value->data(), end, number);
        if (error != std::errc{} || stopped != end || number < least || number > most) {
            problems_.push_back(
                fmt::format("{} must be a whole number from {} to {}, not `{}`; "
                            "for example {}",
                            name, least, most, printable(*value, 50), fallback));
            number = fallback;
        }
    }
    shown(name, std::to_string(number));
    return number;
}

std::chrono::milliseconds Settings::milliseconds(const std::string& name,
                                                 std::chrono::milliseconds fallback,
                                                 std::chrono::milliseconds least,
                                                 std::chrono::milliseconds most) {
    return std::chrono::milliseconds{number(name, fallback.count(), least.count(), most.count())};
}

bool Settings::flag(const std::string& name) {
    const auto value = read(name).value_or("0");
    require(value == "0" || value == "1",
            fmt::format("{} must be 0 or 1, not `{}`", name, printable(value, 50)));
    return shown(name, value) == "1";
}

std::string Settings::one_of(const std::string& name, std::string_view fallback,
                             std::vector<std::string_view> choices) {
    auto value = read(name).value_or(std::string{fallback});
    if (std::ranges::find(choices, value) == choices.end()) {
        problems_.push_back(fmt::format("{} must be one of {}, not `{}`; for example {}", name,
                                        fmt::join(choices, ", "), printable(value, 50), fallback));
        value = fallback;
    }
    return shown(name, value);
}

std::vector<std::string> Settings::list(const std::string& name) {
    const auto value = text(name, "");
    std::vector<std::string> entries;
    for (const auto part : std::views::split(value, ',')) {
        const auto entry = trimmed({part.begin(), part.end()});
        if (!entry.empty()) entries.emplace_back(entry);
    }
    return entries;
}

void Settings::require(bool fine, std::string problem) {
    if (!fine) problems_.push_back(std::move(problem));
}

void Settings::throw_if_wrong() const {
    if (!problems_.empty()) throw ConfigError{fmt::format("{}", fmt::join(problems_, "\n"))};
}

}  // namespace prewarm::config
