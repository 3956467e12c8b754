#include "common/events/proto_values.hpp"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

namespace prewarm::events {

namespace pb = google::protobuf;
using std::chrono::microseconds;
using std::chrono::system_clock;

system_clock::time_point time_point_of(const pb::Timestamp& timestamp) {
    // The clock counts nanoseconds in 64 bits and ends in 2262; a timestamp may say year 9999.
    constexpr auto latest =
        std::chrono::duration_cast<std::chrono::seconds>(system_clock::duration::max());
    if (timestamp.seconds() < 0 || timestamp.seconds() >= latest.count()) return {};
    const microseconds since_epoch{pb::util::TimeUtil::TimestampToMicroseconds(timestamp)};
    return system_clock::time_point{since_epoch};
}

pb::Timestamp timestamp_of(system_clock::time_point time) {
    return pb::util::TimeUtil::MicrosecondsToTimestamp(
        std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count());
}

std::string bytes_of(const Sha256& sha256) {
    return {sha256.bytes.begin(), sha256.bytes.end()};
}

std::string as_json(const pb::Message& message) {
    std::string json;
    // It fails only for values that no calendar has; then there is nothing to show.
    if (!pb::util::MessageToJsonString(message, &json).ok()) json = "{}";
    return json;
}

}  // namespace prewarm::events
