/// An upload event as it is published to the exchange `prewarm`.
#pragma once

#include <string>

#include "common/amqp/message.hpp"
#include "common/base/upload.hpp"

namespace prewarm::topology {

/// With everything that the contract says of the message; `app_id` names the publisher.
amqp::Message upload_message(const Upload& upload, std::string app_id);

}  // namespace prewarm::topology
