/// PostgreSQL's errors, boiled down to what can be done about them.
#pragma once

#include <string>
#include <string_view>

#include "common/base/failure.hpp"

namespace prewarm::postgres {

/// By the SQLSTATE, which says who can mend it; empty when the server did not get to answer.
FailureKind kind_of(std::string_view sqlstate);

/// The exception at hand, to be called in a `catch` block. What is not libpqxx's, or tells of a
/// wrong use of it, is thrown on: a bug.
Failure failure_at_hand();

/// Names PostgreSQL as the one who says it, on one line.
Failure failure_saying(FailureKind kind, std::string_view message);

}  // namespace prewarm::postgres
