/// What Redis answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/failure.hpp"

namespace prewarm::redis {

/// A reply that is an error: `WRONGTYPE Operation against a key ...`.
struct Error {
    std::string text;

    std::string_view code() const;  ///< Its first word.
    bool operator==(const Error&) const = default;
};

/// By what can be done about it: the server is away or not fit to serve (`unavailable`), it
/// refuses us (`misconfigured`), or this command can never work (`refused`).
Failure failure_of(const Error& error);

struct Nil {
    bool operator==(const Nil&) const = default;
};

struct Reply;
using Array = std::vector<Reply>;

/// Statuses (`OK`) are strings, too.
struct Reply {
    std::variant<Nil, std::int64_t, std::string, Array, Error> value;

    bool is_nil() const { return std::holds_alternative<Nil>(value); }
    const std::int64_t* integer() const { return std::get_if<std::int64_t>(&value); }
    const std::string* string() const { return std::get_if<std::string>(&value); }
    const Array* array() const { return std::get_if<Array>(&value); }
    const Error* error() const { return std::get_if<Error>(&value); }

    bool operator==(const Reply&) const = default;
};

}  // namespace prewarm::redis
