/// Times and rates, as people and headers write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace prewarm::producer {

/// RFC 3339; nothing if it is not.
std::optional<std::chrono::system_clock::time_point> parse_time(std::string_view text);

/// RFC 3339, or that long before `now`: `90s`, `30m`, `2h`, `7d`. Nothing if it is neither.
std::optional<std::chrono::system_clock::time_point> parse_since(
    std::string_view text, std::chrono::system_clock::time_point now);

/// `5`, `0.5`, `5/s`, `20/min`, `1000/h`: the time from one to the next. Nothing if it is no rate,
/// or one of less than six an hour.
std::optional<std::chrono::nanoseconds> parse_rate(const std::string& text);

}  // namespace prewarm::producer
