/// What became of replayed messages.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace prewarm::producer {

/// The announcement that answers a replayed message.
struct ReplayOutcome {
    std::string letter_id;
    std::string event_id;
    bool ready = false;  ///< Or failed again.
    std::string json;    ///< The announcement, as canonical protobuf JSON.
    std::string line;    ///< Likewise for people.
};

/// Pairs announcements with what was replayed, by the ids of the upload events.
class ReplayOutcomes {
public:
    /// To be told before it is published: the answer may be quick. Without an event id there is no
    /// telling which announcement answers it, and it is not waited for.
    void expect(const std::string& letter_id, const std::string& event_id);
    /// It was not published after all.
    void forget(const std::string& letter_id, const std::string& event_id);

    /// Whom this announcement answers: nobody, or several copies of one event, or several events
    /// of one media. `type` is the message's.
    std::vector<ReplayOutcome> take(std::string_view type, std::string_view body);

    std::size_t missing() const { return letters_.size(); }  ///< Letters without an outcome.
    std::size_t ready() const { return ready_; }
    std::size_t failed() const { return failed_; }

private:
    std::multimap<std::string, std::string> letters_;  ///< By event id.
    std::size_t ready_ = 0;
    std::size_t failed_ = 0;
};

}  // namespace prewarm::producer
