#include "producer/dead_letters/event_body.hpp"

#include <google/protobuf/util/json_util.h>

#include "common/events/upload_event.hpp"
#include "prewarm/v1/events.pb.h"

namespace prewarm::producer {
namespace {

namespace pb = google::protobuf;

/// Both forms are tried: what the content type says may be what is wrong with it.
bool parse(const std::string& body, v1::MediaUploaded& event) {
    pb::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    if (body.starts_with('{') && pb::util::JsonStringToMessage(body, &event, options).ok())
        return true;
    event.Clear();
    return event.ParseFromString(body);
}

}  // namespace

std::optional<EventBody> event_in(const amqp::Message& message) {
    v1::MediaUploaded event;
    if (!parse(message.body, event)) return std::nullopt;
    // Bytes of something else may happen to be fields that a MediaUploaded does not have.
    event.DiscardUnknownFields();
    if (event.ByteSizeLong() == 0) return std::nullopt;

    EventBody body;
    pb::util::JsonPrintOptions options;
    options.add_whitespace = true;
    if (!pb::util::MessageToJsonString(event, &body.json, options).ok()) return std::nullopt;
    while (body.json.ends_with('\n'))
        body.json.pop_back();
    body.valid = events::decode_upload(message.body, message.content_type).has_value();
    return body;
}

}  // namespace prewarm::producer
