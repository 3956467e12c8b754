#include "common/amqp/field_table.hpp"

#include <algorithm>

namespace prewarm::amqp {

FieldValue::FieldValue(std::string text) : kind{std::move(text)} {}
FieldValue::FieldValue(std::string_view text) : kind{std::string{text}} {}
FieldValue::FieldValue(const char* text) : kind{std::string{text}} {}

const FieldValue* FieldTable::find(std::string_view name) const {
    const auto found = std::ranges::find(fields, name, &Field::name);
    return found == fields.end() ? nullptr : &found->value;
}

void FieldTable::set(std::string_view name, FieldValue value) {
    const auto found = std::ranges::find(fields, name, &Field::name);
    if (found != fields.end()) {
        found->value = std::move(value);
    } else {
        fields.push_back({std::string{name}, std::move(value)});
    }
}

std::optional<std::string> FieldTable::text(std::string_view name) const {
    const auto* value = find(name);
    const auto* text = value ? std::get_if<std::string>(&value->kind) : nullptr;
    if (!text) return std::nullopt;
    return *text;
}

std::optional<std::int64_t> FieldTable::integer(std::string_view name) const {
    const auto* value = find(name);
    if (!value) return std::nullopt;
    return std::visit(
        []<class Kind>(const Kind& held) -> std::optional<std::int64_t> {
            if constexpr (std::integral<Kind> && !std::same_as<Kind, bool>) {
                if (!std::in_range<std::int64_t>(held)) return std::nullopt;
                return static_cast<std::int64_t>(held);
            } else {
                return std::nullopt;
            }
        },
        value->kind);
}

bool operator==(const FieldTable& left, const FieldTable& right) {
    return left.fields == right.fields;
}

bool operator==(const FieldValue& left, const FieldValue& right) {
    return left.kind == right.kind;
}

bool operator==(const Field& left, const Field& right) {
    return left.name == right.name && left.value == right.value;
}

}  // namespace prewarm::amqp
