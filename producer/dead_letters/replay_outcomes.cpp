#include "producer/dead_letters/replay_outcomes.hpp"

#include <algorithm>

#include "common/events/announcement.hpp"
#include "prewarm/v1/events.pb.h"
#include "producer/announcement_line.hpp"

namespace prewarm::producer {
namespace {

/// The upload events that an announcement answers.
std::vector<std::string> answered_by(std::string_view type, std::string_view body) {
    const auto size = static_cast<int>(body.size());
    if (type == events::ready_type) {
        v1::MediaReady ready;
        if (!ready.ParseFromArray(body.data(), size)) return {};
        return {ready.upload_event_ids().begin(), ready.upload_event_ids().end()};
    }
    if (type == events::failed_type) {
        v1::MediaFailed failed;
        if (failed.ParseFromArray(body.data(), size)) return {failed.upload_event_id()};
    }
    return {};
}

}  // namespace

void ReplayOutcomes::expect(const std::string& letter_id, const std::string& event_id) {
    if (!event_id.empty()) letters_.emplace(event_id, letter_id);
}

void ReplayOutcomes::forget(const std::string& letter_id, const std::string& event_id) {
    const auto [first, end] = letters_.equal_range(event_id);
    const auto found =
        std::find_if(first, end, [&](const auto& entry) { return entry.second == letter_id; });
    if (found != end) letters_.erase(found);
}

std::vector<ReplayOutcome> ReplayOutcomes::take(std::string_view type, std::string_view body) {
    std::vector<ReplayOutcome> outcomes;
    for (const auto& event_id : answered_by(type, body)) {
        const auto [first, end] = letters_.equal_range(event_id);
        for (auto it = first; it != end; ++it) {
            outcomes.push_back({.letter_id = it->second,
                                .event_id = event_id,
                                .ready = type == events::ready_type,
                                .json = events::announcement_as_json(type, body),
                                .line = announcement_line(type, body).value_or("")});
        }
        letters_.erase(first, end);
    }
    for (const auto& outcome : outcomes)
        ++(outcome.ready ? ready_ : failed_);
    return outcomes;
}

}  // namespace prewarm::producer
