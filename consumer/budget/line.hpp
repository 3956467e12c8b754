/// Those who wait for one bot's turn, and the one who asks for all of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "common/budget/rules.hpp"
#include "common/budget/turns.hpp"
#include "common/runtime/task_group.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// Small before large, and oldest first. Who waits is asked about together with all others that
/// wait, and what has ended is told with the next question: under load that is much less than one
/// question a job. Where the shared state is away, a part of the limits is used that is safe
/// without it; when it is back, and when it comes back empty, it is told what it has to know.
///
/// What `Parts` refers to outlives it; one loop's thread.
class Line {
public:
    using Time = std::chrono::steady_clock::time_point;

    struct Parts {
        asio::any_io_executor executor;
        TaskGroup& tasks;
        warm::Clock& clock;
        std::function<Task<budget::Answer>(const budget::Request&)> ask;
        std::function<std::vector<std::int64_t>()> chats;
        std::function<std::size_t()> free_slots;  ///< How many more may be sent at once.
        std::function<void(std::string_view limit, std::chrono::steady_clock::duration)> on_wait;
        /// Empty: none may.
        std::function<bool(const Upload&)> may_share_album{};
        /// One of an album's turns has come, and who waited for it is gone. May be empty.
        std::function<void(const warm::Album&)> on_left_album{};
    };
    struct Options {
        std::string instance;
        std::string bot_slug;
        budget::Limits limits;
        std::size_t most_waiting = 32;
        std::chrono::milliseconds horizon{2000};
        std::chrono::milliseconds grace{4000};  ///< As in budget::Request.
    };

    Line(Parts parts, Options options);

    /// The chat to send to, once it is time to. `throttled` when that is further off than the
    /// horizon, or too many wait. Every turn that was given is to be `ended`.
    Task<warm::Turn> wait(const Upload& upload);
    void ended(const warm::Turn& turn, warm::Posted posted);
    void tell(budget::Told told);
    /// Telegram has told us that the chat takes nothing now.
    bool rests(std::int64_t chat) const;
    /// There may be a free slot now.
    void look_again();

    std::size_t waiting() const { return waiting_.size(); }
    std::size_t in_flight() const { return in_flight_.size(); }
    /// Likewise, and those that a turn is just being asked for.
    std::size_t taken() const { return in_flight_.size() + asked_for_; }
    /// What this instance may send in that time, as far as it is known.
    std::optional<std::size_t> room_within(std::chrono::milliseconds time) const;

private:
    struct Waiter {
        budget::Wanted wanted;
        Time since;
        asio::steady_timer woken;
        std::optional<Result<warm::Turn>> answer{};
        Time slot{};
        std::string limit{};
    };
    struct Flight {
        std::int64_t chat = 0;
        std::uint64_t bytes = 0;
        Time till;
        bool is_shared = false;  ///< The shared state knows of it.
    };
    struct Report {
        std::string permit;
        std::int64_t chat = 0;
        std::optional<Time> posted_at;
        bool worked = false;  ///< Telegram has answered so.
        bool is_told_alone = false;
    };
    struct Post {
        std::int64_t chat = 0;
        Time at;
    };
    /// What Telegram said, and when.
    struct Heard {
        budget::Told told;
        Time at;
        bool is_shared = false;  ///< The shared state was told.
        bool is_told_alone = false;
    };

    static budget::Ended ended_of(const Report& report, Time now);
    static budget::Held held_of(const std::string& permit, const Flight& flight, Time now);
    std::list<Waiter>::iterator join(const Upload& upload);
    std::string next_permit();
    void serve_from_now();
    asio::awaitable<void> serve();
    std::optional<Time> next_question() const;
    asio::awaitable<void> ask();
    budget::Request question();
    budget::Answer decide_alone(budget::Request request);
    void remember(budget::Request& request) const;
    void forget_what_is_over(Time now);
    static std::optional<budget::Told> as_of(const Heard& heard, Time now);
    void hear(const budget::Answer& answer, const budget::Request& request, bool is_shared);
    std::chrono::milliseconds gap() const;
    void give_back(const std::string& permit, std::int64_t chat, warm::Posted posted);
    void give_back_unused(const warm::Turn& turn);

    Parts parts_;
    Options options_;
    std::list<Waiter> waiting_;
    std::map<std::string, Flight> in_flight_;
    std::deque<Post> posts_;      ///< Of the last minute, those that the shared state was told.
    std::deque<Report> reports_;  ///< Not told yet.
    std::deque<Heard> heard_;     ///< As far as it still holds.
    std::size_t asked_for_ = 0;
    asio::steady_timer changed_;
    Time ask_at_{};
    Time asked_at_{};
    Time report_at_ = Time::max();
    bool serving_ = false;
    bool waits_for_an_end_ = false;
    std::uint64_t last_permit_ = 0;

    std::uint64_t seq_ = 0;
    std::uint64_t born_ = 0;
    bool state_is_new_ = false;
    unsigned instances_ = 1;
    std::optional<double> per_second_;
    std::optional<budget::Rules> alone_;  ///< While the shared state is away.
};

}  // namespace prewarm
