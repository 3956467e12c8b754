/// AMQP's field tables: the headers of a message, the arguments of a queue.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace prewarm::amqp {

struct Field;
struct FieldValue;

using FieldArray = std::vector<FieldValue>;

/// Named values in the order they came in. Every kind AMQP knows keeps its width, so that a table
/// read from the broker is written back as it was.
struct FieldTable {
    std::vector<Field> fields;

    /// The first field of that name; null if there is none. Valid until the table changes.
    const FieldValue* find(std::string_view name) const;
    /// Replaces the field of that name, or adds one at the end.
    void set(std::string_view name, FieldValue value);

    std::optional<std::string> text(std::string_view name) const;
    /// Of any integer kind.
    std::optional<std::int64_t> integer(std::string_view name) const;

    bool empty() const { return fields.empty(); }
    friend bool operator==(const FieldTable& left, const FieldTable& right);
};

struct Decimal {
    std::uint8_t decimals = 0;  ///< Places after the point.
    std::uint32_t value = 0;
    bool operator==(const Decimal&) const = default;
};

struct Timestamp {
    std::uint64_t seconds = 0;  ///< Since 1970, UTC.
    bool operator==(const Timestamp&) const = default;
};

/// Bytes that are no text.
struct ByteArray {
    std::string bytes;
    bool operator==(const ByteArray&) const = default;
};

/// `std::monostate` is AMQP's void. Integers of ours are written as std::int64_t.
struct FieldValue {
    using Kinds =
        std::variant<std::monostate, bool, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                     std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, float, double,
                     Decimal, Timestamp, std::string, ByteArray, FieldArray, FieldTable>;

    FieldValue() = default;
    FieldValue(std::string text);
    FieldValue(std::string_view text);
    FieldValue(const char* text);
    template <class Exactly>
        requires(std::is_arithmetic_v<Exactly> || std::same_as<Exactly, Decimal> ||
                 std::same_as<Exactly, Timestamp> || std::same_as<Exactly, ByteArray> ||
                 std::same_as<Exactly, FieldArray> || std::same_as<Exactly, FieldTable> ||
                 std::same_as<Exactly, std::monostate>)
    FieldValue(Exactly value) : kind{std::in_place_type<Exactly>, std::move(value)} {}

    Kinds kind;

    friend bool operator==(const FieldValue& left, const FieldValue& right);
};

struct Field {
    std::string name;  ///< At most 255 bytes.
    FieldValue value;
};

bool operator==(const Field& left, const Field& right);

}  // namespace prewarm::amqp
