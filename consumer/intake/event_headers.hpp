/// What the headers of an upload event's message tell.
#pragma once

#include "common/amqp/field_table.hpp"
#include "common/base/upload.hpp"

namespace prewarm {

/// Into `upload`: `traceparent` and `x-prewarm-*`. What is not well formed counts as not there; an
/// event without a time of its own is first seen now.
void read_event_headers(const amqp::FieldTable& headers, Upload& upload);

}  // namespace prewarm
