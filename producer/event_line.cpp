#include "producer/event_line.hpp"

#include <utility>

#include <google/protobuf/util/json_util.h>

#include "common/base/text.hpp"
#include "common/events/proto_values.hpp"
#include "common/events/upload_event.hpp"
#include "prewarm/v1/events.pb.h"

namespace prewarm::producer {
namespace {

namespace pb = google::protobuf;

Result<Upload> decoded(std::string_view encoded) {
    auto upload = events::decode_upload(encoded, events::protobuf_content_type);
    if (!upload) return Failure{FailureKind::refused, upload.error().detail};
    return std::move(*upload);
}

}  // namespace

Result<Upload> event_of_line(std::string_view line, std::chrono::system_clock::time_point now) {
    v1::MediaUploaded event;
    const auto status =
        pb::util::JsonStringToMessage(pb::StringPiece{line.data(), line.size()}, &event);
    if (!status.ok()) {
        // What follows the first line shows the place, which needs several lines.
        const auto why = status.message().as_string();
        return Failure{FailureKind::refused, "not the JSON of a MediaUploaded: " +
                                                 printable(why.substr(0, why.find('\n')), 300)};
    }
    if (event.event_id().empty()) event.set_event_id(events::new_event_id());
    if (!event.has_occurred_at()) *event.mutable_occurred_at() = events::timestamp_of(now);
    return decoded(event.SerializeAsString());
}

Result<Upload> checked(Upload upload) {
    return decoded(events::encode_upload(upload));
}

}  // namespace prewarm::producer
