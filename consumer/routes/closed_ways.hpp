/// Ways to Telegram that did not work for an object, so that they are not tried again and again.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

namespace prewarm {

/// Holds the newest `most`. Pure: time is given.
class ClosedWays {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit ClosedWays(std::size_t most) : most_{most} {}

    void close(std::string way, Time until) {
        if (!closed_.insert_or_assign(way, until).second) return;
        order_.push_back(std::move(way));
        if (order_.size() <= most_) return;
        closed_.erase(order_.front());
        order_.pop_front();
    }

    bool is_closed(const std::string& way, Time now) const {
        const auto found = closed_.find(way);
        return found != closed_.end() && found->second > now;
    }

private:
    std::size_t most_;
    std::unordered_map<std::string, Time> closed_;
    std::deque<std::string> order_;  // Oldest first.
};

}  // namespace prewarm
