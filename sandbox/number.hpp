/// Decimal digits.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace prewarm::sandbox {

/// Nothing when `text` holds anything else, or a number that `Number` does not.
template <class Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto [stop, error] = std::from_chars(text.begin(), text.end(), number);
    if (error != std::errc{} || stop != text.end()) return std::nullopt;
    return number;
}

}  // namespace prewarm::sandbox
