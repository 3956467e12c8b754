#include "producer/dead_letters/letter_groups.hpp"

#include <algorithm>
#include <tuple>

#include "producer/dead_letters/cause.hpp"
#include "producer/dead_letters/letter_view.hpp"
#include "producer/output.hpp"

namespace prewarm::producer {

void LetterGroups::add(const DeadLetter& letter) {
    auto cause = cause_of(letter.detail);
    auto& group = groups_[{letter.reason, cause}];
    if (group.messages == 0) {
        group.reason = letter.reason;
        group.cause = std::move(cause);
        group.example_id = letter.id;
    }
    ++group.messages;
    group.message_bytes += letter.message_bytes;
    group.media_bytes += letter.media_bytes;
    if (letter.died_at) {
        group.oldest = std::min(group.oldest.value_or(*letter.died_at), *letter.died_at);
        group.newest = std::max(group.newest.value_or(*letter.died_at), *letter.died_at);
    }
    if (group.example_bot.empty()) group.example_bot = letter.bot_slug;
}

std::vector<LetterGroup> LetterGroups::by_size() const {
    std::vector<LetterGroup> groups;
    groups.reserve(groups_.size());
    for (const auto& [key, group] : groups_)
        groups.push_back(group);
    std::ranges::sort(groups, [](const LetterGroup& left, const LetterGroup& right) {
        return std::tie(right.messages, left.reason, left.cause) <
               std::tie(left.messages, right.reason, right.cause);
    });
    return groups;
}

void LetterTotals::add(const DeadLetter& letter) {
    ++messages;
    message_bytes += letter.message_bytes;
    media_bytes += letter.media_bytes;
}

boost::json::object json_of(const LetterGroup& group) {
    return {{"reason", shown(group.reason)},     {"cause", shown(group.cause)},
            {"messages", group.messages},        {"bytes", group.message_bytes},
            {"media_bytes", group.media_bytes},  {"oldest", json_time(group.oldest)},
            {"newest", json_time(group.newest)}, {"example_bot", shown(group.example_bot)},
            {"example_id", group.example_id}};
}

}  // namespace prewarm::producer
