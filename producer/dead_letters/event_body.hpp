/// The body of a message, as the event it may be.
#pragma once

#include <optional>
#include <string>

#include "common/amqp/message.hpp"

namespace prewarm::producer {

struct EventBody {
    std::string json;    ///< Canonical protobuf JSON, on several lines.
    bool valid = false;  ///< The service would take it.
};

/// Nothing when the body is no prewarm.v1.MediaUploaded, or holds nothing that one has.
std::optional<EventBody> event_in(const amqp::Message& message);

}  // namespace prewarm::producer
