/// A message's properties and field tables in librabbitmq's words, and back.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include <amqp.h>
#include <amqp_framing.h>

#include "common/amqp/field_table.hpp"
#include "common/amqp/message.hpp"
#include "common/base/failure.hpp"

namespace prewarm::amqp {

/// A FieldTable as the library wants it. Points into the table it was made of, which must outlive
/// it.
class WireTable {
public:
    /// `refused` when a name is longer than 255 bytes: the library would cut its length only.
    Result<> write(const FieldTable& table);
    const amqp_table_t& encodable() const { return table_; }

private:
    Result<amqp_table_t> table_of(const FieldTable& table);
    Result<amqp_array_t> array_of(const FieldArray& array);
    Result<amqp_field_value_t> value_of(const FieldValue& value);

    // Entries of nested tables and arrays: a deque, so that what was handed out stays in place.
    std::deque<std::vector<amqp_table_entry_t>> entries_;
    std::deque<std::vector<amqp_field_value_t>> values_;
    amqp_table_t table_{};
};

/// Likewise for a message's properties.
class WireProperties {
public:
    Result<> write(const Message& message);
    amqp_basic_properties_t* encodable() { return &properties_; }

private:
    WireTable headers_;
    amqp_basic_properties_t properties_{};
};

/// Nothing when the table is nested deeper, or has more fields, than any header of good faith: a
/// frame's worth of empty fields is forty times as large once it is decoded.
std::optional<FieldTable> read_table(const amqp_table_t& table);

/// Everything but the headers and the body.
Message read_properties(const amqp_basic_properties_t& properties);

}  // namespace prewarm::amqp
