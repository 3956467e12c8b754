/// Dead letters as they are shown.
#pragma once

#include <chrono>
#include <optional>
#include <ostream>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "common/amqp/message.hpp"
#include "producer/dead_letters/dead_letter.hpp"

namespace prewarm::producer {

/// `2026-11-21T10:50:12Z`, or null.
boost::json::value json_time(std::optional<std::chrono::system_clock::time_point> time);

/// The summary.
boost::json::object json_of(const DeadLetter& letter);

/// The summary with all properties and headers and the body: `event` when it is a MediaUploaded,
/// and otherwise, or when the event is not valid, `body_text` or `body_hex`.
boost::json::object json_of(const DeadLetter& letter, const amqp::Message& message);

/// Likewise for people. A long body that is no event is cut, and says so.
void print(const DeadLetter& letter, const amqp::Message& message, std::ostream& out);

}  // namespace prewarm::producer
