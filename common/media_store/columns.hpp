/// C++ values to PostgreSQL's and back, where libpqxx does not do it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/media.hpp"
#include "common/base/upload.hpp"

namespace pqxx {
class field;
class row;
}  // namespace pqxx

namespace prewarm::sql {

/// As the text form of an array has it: `{"a","b \"c\""}`.
std::string array_literal(const std::vector<std::string>& values);

/// As the text form of bytes has it: `\\x00ff`.
std::string bytea_literal(std::string_view bytes);

std::vector<std::string> array_of(const pqxx::field& field);

/// From PREWARM_READY_COLUMNS.
ReadyMedia ready_media(const pqxx::row& row, MediaKey media);

/// A name that the table's checks let in.
MediaKind kind_of(const pqxx::field& field);

/// The distinct values, in the order of their first appearance.
std::vector<std::string> distinct(std::vector<std::string> values);

/// Parameters end at a zero byte, so that one in a text would cut it short in silence.
bool has_zero_byte(std::string_view text);

/// What PostgreSQL can hold of it, at most so many characters: bytes that are no UTF-8, and
/// zeros, become U+FFFD.
std::string storable(std::string_view text, std::size_t max_characters);

}  // namespace prewarm::sql
