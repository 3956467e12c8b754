#include "common/amqp/properties.hpp"

#include <chrono>
#include <string>

#include "common/amqp/codec.hpp"

namespace prewarm::amqp {
namespace {

constexpr std::size_t longest_name = 255;
constexpr std::size_t deepest_nesting = 32;
constexpr std::size_t most_fields = 4096;

constexpr std::uint8_t transient_delivery = 1;
constexpr std::uint8_t persistent_delivery = 2;

/// Copies a decoded table, counting on the way.
class TableReader {
public:
    std::optional<FieldTable> table(const amqp_table_t& from) {
        if (!descend(from.num_entries)) return std::nullopt;
        FieldTable into;
        into.fields.reserve(static_cast<std::size_t>(from.num_entries));
        for (int i = 0; i < from.num_entries; ++i) {
            auto held = value(from.entries[i].value);
            if (!held) return std::nullopt;
            into.fields.push_back({std::string{as_text(from.entries[i].key)}, std::move(*held)});
        }
        --depth_;
        return into;
    }

private:
    std::optional<FieldValue> array(const amqp_array_t& from) {
        if (!descend(from.num_entries)) return std::nullopt;
        FieldArray into;
        into.reserve(static_cast<std::size_t>(from.num_entries));
        for (int i = 0; i < from.num_entries; ++i) {
            auto held = value(from.entries[i]);
            if (!held) return std::nullopt;
            into.push_back(std::move(*held));
        }
        --depth_;
        return FieldValue{std::move(into)};
    }

    std::optional<FieldValue> value(const amqp_field_value_t& from) {
        switch (from.kind) {
            case AMQP_FIELD_KIND_BOOLEAN:
                return FieldValue{from.value.boolean != 0};
            case AMQP_FIELD_KIND_I8:
                return FieldValue{from.value.i8};
            case AMQP_FIELD_KIND_U8:
                return FieldValue{from.value.u8};
            case AMQP_FIELD_KIND_I16:
                return FieldValue{from.value.i16};
            case AMQP_FIELD_KIND_U16:
                return FieldValue{from.value.u16};
            case AMQP_FIELD_KIND_I32:
                return FieldValue{from.value.i32};
            case AMQP_FIELD_KIND_U32:
                return FieldValue{from.value.u32};
            case AMQP_FIELD_KIND_I64:
                return FieldValue{from.value.i64};
            case AMQP_FIELD_KIND_U64:
                return FieldValue{from.value.u64};
            case AMQP_FIELD_KIND_F32:
                return FieldValue{from.value.f32};
            case AMQP_FIELD_KIND_F64:
                return FieldValue{from.value.f64};
            case AMQP_FIELD_KIND_DECIMAL:
                return FieldValue{Decimal{from.value.decimal.decimals, from.value.decimal.value}};
            case AMQP_FIELD_KIND_UTF8:
                return FieldValue{as_text(from.value.bytes)};
            case AMQP_FIELD_KIND_BYTES:
                return FieldValue{ByteArray{std::string{as_text(from.value.bytes)}}};
            case AMQP_FIELD_KIND_TIMESTAMP:
                return FieldValue{Timestamp{from.value.u64}};
            case AMQP_FIELD_KIND_ARRAY:
                return array(from.value.array);
            case AMQP_FIELD_KIND_TABLE: {
                auto nested = table(from.value.table);
                if (!nested) return std::nullopt;
                return FieldValue{std::move(*nested)};
            }
            case AMQP_FIELD_KIND_VOID:
                return FieldValue{};
            default:
                return std::nullopt;
        }
    }

    bool descend(int entries) {
        fields_ += static_cast<std::size_t>(entries);
        return ++depth_ <= deepest_nesting && fields_ <= most_fields;
    }

    std::size_t depth_ = 0;
    std::size_t fields_ = 0;
};

template <class... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

amqp_field_value_t of_kind(amqp_field_value_kind_t kind) {
    amqp_field_value_t value{};
    value.kind = static_cast<std::uint8_t>(kind);
    return value;
}

}  // namespace

Result<> WireTable::write(const FieldTable& table) {
    auto written = table_of(table);
    if (!written) return written.error();
    table_ = *written;
    return {};
}

Result<amqp_table_t> WireTable::table_of(const FieldTable& table) {
    auto& entries = entries_.emplace_back();
    entries.reserve(table.fields.size());
    for (const auto& field : table.fields) {
        if (field.name.size() > longest_name)
            return Failure{FailureKind::refused, "a header's name is longer than 255 bytes"};
        auto value = value_of(field.value);
        if (!value) return value.error();
        entries.push_back({as_bytes(field.name), *value});
    }
    return amqp_table_t{static_cast<int>(entries.size()), entries.data()};
}

Result<amqp_array_t> WireTable::array_of(const FieldArray& array) {
    auto& values = values_.emplace_back();
    values.reserve(array.size());
    for (const auto& held : array) {
        auto value = value_of(held);
        if (!value) return value.error();
        values.push_back(*value);
    }
    return amqp_array_t{static_cast<int>(values.size()), values.data()};
}

Result<amqp_field_value_t> WireTable::value_of(const FieldValue& value) {
    const auto trivial = [](amqp_field_value_kind_t kind, auto member, auto held) {
        auto wire = of_kind(kind);
        wire.value.*member = held;
        return Result<amqp_field_value_t>{wire};
    };
    using Wire = decltype(amqp_field_value_t::value);
    return std::visit(
        Overloaded{
            [](std::monostate) -> Result<amqp_field_value_t> {
                return of_kind(AMQP_FIELD_KIND_VOID);
            },
            [&](bool held) {
                return trivial(AMQP_FIELD_KIND_BOOLEAN, &Wire::boolean, held ? 1 : 0);
            },
            [&](std::int8_t held) { return trivial(AMQP_FIELD_KIND_I8, &Wire::i8, held); },
            [&](std::uint8_t held) { return trivial(AMQP_FIELD_KIND_U8, &Wire::u8, held); },
            [&](std::int16_t held) { return trivial(AMQP_FIELD_KIND_I16, &Wire::i16, held); },
            [&](std::uint16_t held) { return trivial(AMQP_FIELD_KIND_U16, &Wire::u16, held); },
            [&](std::int32_t held) { return trivial(AMQP_FIELD_KIND_I32, &Wire::i32, held); },
            [&](std::uint32_t held) { return trivial(AMQP_FIELD_KIND_U32, &Wire::u32, held); },
            [&](std::int64_t held) { return trivial(AMQP_FIELD_KIND_I64, &Wire::i64, held); },
            [&](std::uint64_t held) { return trivial(AMQP_FIELD_KIND_U64, &Wire::u64, held); },
            [&](float held) { return trivial(AMQP_FIELD_KIND_F32, &Wire::f32, held); },
            [&](double held) { return trivial(AMQP_FIELD_KIND_F64, &Wire::f64, held); },
            [&](Decimal held) {
                return trivial(AMQP_FIELD_KIND_DECIMAL, &Wire::decimal,
                               amqp_decimal_t{held.decimals, held.value});
            },
            [&](Timestamp held) {
                return trivial(AMQP_FIELD_KIND_TIMESTAMP, &Wire::u64, held.seconds);
            },
            [&](const std::string& held) {
                return trivial(AMQP_FIELD_KIND_UTF8, &Wire::bytes, as_bytes(held));
            },
            [&](const ByteArray& held) {
                return trivial(AMQP_FIELD_KIND_BYTES, &Wire::bytes, as_bytes(held.bytes));
            },
            [&](const FieldArray& held) -> Result<amqp_field_value_t> {
                auto array = array_of(held);
                if (!array) return array.error();
                return trivial(AMQP_FIELD_KIND_ARRAY, &Wire::array, *array);
            },
            [&](const FieldTable& held) -> Result<amqp_field_value_t> {
                auto table = table_of(held);
                if (!table) return table.error();
                return trivial(AMQP_FIELD_KIND_TABLE, &Wire::table, *table);
            },
        },
        value.kind);
}

Result<> WireProperties::write(const Message& message) {
    const auto set = [this](amqp_flags_t flag, amqp_bytes_t& into, const std::string& text) {
        if (text.empty()) return;
        properties_._flags |= flag;
        into = as_bytes(text);
    };
    set(AMQP_BASIC_CONTENT_TYPE_FLAG, properties_.content_type, message.content_type);
    set(AMQP_BASIC_CONTENT_ENCODING_FLAG, properties_.content_encoding, message.content_encoding);
    set(AMQP_BASIC_TYPE_FLAG, properties_.type, message.type);
    set(AMQP_BASIC_MESSAGE_ID_FLAG, properties_.message_id, message.message_id);
    set(AMQP_BASIC_CORRELATION_ID_FLAG, properties_.correlation_id, message.correlation_id);
    set(AMQP_BASIC_REPLY_TO_FLAG, properties_.reply_to, message.reply_to);
    set(AMQP_BASIC_APP_ID_FLAG, properties_.app_id, message.app_id);

    properties_._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties_.delivery_mode = message.persistent ? persistent_delivery : transient_delivery;
    if (message.priority) {
        properties_._flags |= AMQP_BASIC_PRIORITY_FLAG;
        properties_.priority = *message.priority;
    }
    if (message.timestamp) {
        properties_._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
        properties_.timestamp =
            static_cast<std::uint64_t>(message.timestamp->time_since_epoch().count());
    }
    if (!message.headers.empty()) {
        auto headers = headers_.write(message.headers);
        if (!headers) return headers;
        properties_._flags |= AMQP_BASIC_HEADERS_FLAG;
        properties_.headers = headers_.encodable();
    }
    return {};
}

std::optional<FieldTable> read_table(const amqp_table_t& table) {
    return TableReader{}.table(table);
}

Message read_properties(const amqp_basic_properties_t& properties) {
    Message message;
    const auto get = [&properties](amqp_flags_t flag, amqp_bytes_t from, std::string& into) {
        if (properties._flags & flag) into = as_text(from);
    };
    get(AMQP_BASIC_CONTENT_TYPE_FLAG, properties.content_type, message.content_type);
    get(AMQP_BASIC_CONTENT_ENCODING_FLAG, properties.content_encoding, message.content_encoding);
    get(AMQP_BASIC_TYPE_FLAG, properties.type, message.type);
    get(AMQP_BASIC_MESSAGE_ID_FLAG, properties.message_id, message.message_id);
    get(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlation_id, message.correlation_id);
    get(AMQP_BASIC_REPLY_TO_FLAG, properties.reply_to, message.reply_to);
    get(AMQP_BASIC_APP_ID_FLAG, properties.app_id, message.app_id);

    message.persistent = (properties._flags & AMQP_BASIC_DELIVERY_MODE_FLAG) &&
                         properties.delivery_mode == persistent_delivery;
    if (properties._flags & AMQP_BASIC_PRIORITY_FLAG) message.priority = properties.priority;
    if (properties._flags & AMQP_BASIC_TIMESTAMP_FLAG) {
        message.timestamp = std::chrono::sys_seconds{
            std::chrono::seconds{static_cast<std::int64_t>(properties.timestamp)}};
    }
    return message;
}

}  // namespace prewarm::amqp
