/// Dead letters by what they died of.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "producer/dead_letters/dead_letter.hpp"

namespace prewarm::producer {

struct LetterGroup {
    std::string reason;
    std::string cause;
    std::uint64_t messages = 0;
    std::uint64_t message_bytes = 0;
    std::uint64_t media_bytes = 0;  ///< Of the objects, as far as events tell.
    std::optional<std::chrono::system_clock::time_point> oldest;
    std::optional<std::chrono::system_clock::time_point> newest;
    std::string example_bot;
    std::string example_id;
};

/// One group a reason and cause (see cause.hpp). What it holds does not grow with the letters,
/// only with their causes.
class LetterGroups {
public:
    void add(const DeadLetter& letter);

    /// The largest first.
    std::vector<LetterGroup> by_size() const;

private:
    std::map<std::pair<std::string, std::string>, LetterGroup> groups_;
};

/// How many messages, how long and of what media: what a replay or drop is about.
struct LetterTotals {
    std::uint64_t messages = 0;
    std::uint64_t message_bytes = 0;
    std::uint64_t media_bytes = 0;

    void add(const DeadLetter& letter);
};

boost::json::object json_of(const LetterGroup& group);

}  // namespace prewarm::producer
