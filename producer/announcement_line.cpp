#include "producer/announcement_line.hpp"

#include <fmt/format.h>

#include "common/base/media.hpp"
#include "common/events/announcement.hpp"
#include "common/events/proto_values.hpp"
#include "prewarm/v1/events.pb.h"
#include "producer/output.hpp"

namespace prewarm::producer {
namespace {

std::string kind_name(int number) {
    if (number < v1::PHOTO || number > v1::STICKER) return "?";
    return std::string{name_of(static_cast<MediaKind>(number))};
}

/// What ready and failed have in common.
template <class Event>
std::string beginning(const Event& event, std::string_view what) {
    const auto sha256 = sha256_from_bytes(event.sha256());
    return fmt::format("{}  {:<6}  {}  {}  {}",
                       shown_time(events::time_point_of(event.occurred_at())), what,
                       event.bot_slug().empty() ? "?" : shown(event.bot_slug()),
                       kind_name(event.kind()), sha256 ? sha256->hex() : "?");
}

std::string line_of(const v1::MediaReady& event) {
    auto line = fmt::format("{}  file_id={}  version={}", beginning(event, "ready"),
                            shown(event.file_id()), event.version());
    if (event.actual_kind() != event.kind())
        line += "  actual_kind=" + kind_name(event.actual_kind());
    if (event.already_warm()) line += "  already_warm";
    return line;
}

std::string line_of(const v1::MediaFailed& event) {
    return fmt::format("{}  {}  {}", beginning(event, "failed"),
                       v1::FailureReason_Name(event.reason()), shown(event.detail()));
}

template <class Event>
std::optional<std::string> parsed_line(std::string_view body) {
    Event event;
    if (!event.ParseFromArray(body.data(), static_cast<int>(body.size()))) return std::nullopt;
    return line_of(event);
}

}  // namespace

std::optional<std::string> announcement_line(std::string_view type, std::string_view body) {
    if (type == events::ready_type) return parsed_line<v1::MediaReady>(body);
    if (type == events::failed_type) return parsed_line<v1::MediaFailed>(body);
    return std::nullopt;
}

}  // namespace prewarm::producer
