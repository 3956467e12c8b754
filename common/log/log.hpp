/// One line an event to stderr (contract, section 11).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace prewarm::log {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class Format : std::uint8_t { json, text };

std::optional<Level> level_named(std::string_view name);
std::optional<Format> format_named(std::string_view name);

/// A named value; strings are copied, and escaped when written.
struct Field {
    template <class Number>
        requires std::is_arithmetic_v<Number>
    Field(std::string_view field_name, Number number) : name{field_name} {
        if constexpr (std::is_same_v<Number, bool>) {
            value = number;
        } else if constexpr (std::is_floating_point_v<Number>) {
            value = static_cast<double>(number);
        } else {
            value = static_cast<std::int64_t>(number);
        }
    }
    Field(std::string_view field_name, std::string_view text)
        : name{field_name}, value{std::string{text}} {}
    Field(std::string_view field_name, const char* text)
        : Field{field_name, std::string_view{text}} {}
    Field(std::string_view field_name, const std::string& text)
        : Field{field_name, std::string_view{text}} {}

    std::string_view name;
    std::variant<std::int64_t, double, bool, std::string> value;
};

using Fields = std::vector<Field>;

/// Call once at start; before, lines of `info` and above go out as JSON. Thread-safe afterwards.
void configure(Level least, Format format);

/// `event` is a fixed dotted name to search by (`job.ready`), `message` a sentence for people.
/// Neither they nor a field may hold a secret. Thread-safe.
void write(Level level, std::string_view event, std::string_view message, const Fields& fields);

inline void debug(std::string_view event, std::string_view message, const Fields& fields = {}) {
    write(Level::debug, event, message, fields);
}
inline void info(std::string_view event, std::string_view message, const Fields& fields = {}) {
    write(Level::info, event, message, fields);
}
inline void warn(std::string_view event, std::string_view message, const Fields& fields = {}) {
    write(Level::warn, event, message, fields);
}
inline void error(std::string_view event, std::string_view message, const Fields& fields = {}) {
    write(Level::error, event, message, fields);
}

}  // namespace prewarm::log
