/// An upload event as people and scripts write it: a line of protobuf JSON.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/failure.hpp"
#include "common/base/upload.hpp"

namespace prewarm::producer {

/// The event in `line`, checked as the service would. A missing `event_id` is made up, a missing
/// `occurred_at` is `now`. `refused` says what is wrong, which includes fields that are not known:
/// most likely a name was misspelt, and what it says would be lost.
Result<Upload> event_of_line(std::string_view line, std::chrono::system_clock::time_point now);

/// The upload, if the service would take its event; `refused` says what is wrong.
Result<Upload> checked(Upload upload);

}  // namespace prewarm::producer
