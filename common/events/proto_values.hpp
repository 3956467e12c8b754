/// Between protobuf's values and ours. Only for this module's sources and those that read events.
#pragma once

#include <chrono>
#include <string>

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include "common/base/media.hpp"

namespace prewarm::events {

/// Times before 1970 and after 2262 become the epoch.
std::chrono::system_clock::time_point time_point_of(const google::protobuf::Timestamp& timestamp);
google::protobuf::Timestamp timestamp_of(std::chrono::system_clock::time_point time);

std::string bytes_of(const Sha256& sha256);

/// One line of canonical protobuf JSON.
std::string as_json(const google::protobuf::Message& message);

}  // namespace prewarm::events
