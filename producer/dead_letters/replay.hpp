/// Dead letters on their way back to the service's queue.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/amqp/publisher.hpp"
#include "common/runtime/task_group.hpp"
#include "common/topology/topology.hpp"
#include "producer/dead_letters/dead_letter.hpp"
#include "producer/dead_letters/letter_walk.hpp"
#include "producer/progress.hpp"

namespace prewarm::producer {

/// How many letters of each id are to be replayed.
using ChosenLetters = std::unordered_map<std::string, std::uint64_t>;

/// Publishes chosen letters again, each removed from its queue once the broker confirmed that it
/// has the copy, and not before. What is not among the chosen stays: so does a letter that dies
/// again meanwhile, because it is another one then.
///
/// One loop's thread; used once. All references outlive it.
class Replay {
public:
    struct Events {
        std::function<void(const DeadLetter&)> on_sending{};
        std::function<void(const DeadLetter&)> on_replayed{};
        std::function<void(const DeadLetter&, const Failure&)> on_not_replayed{};
    };

    /// `interval` is the time from one to the next; 0: as fast as the broker confirms.
    Replay(asio::any_io_executor executor, LetterWalk& walk, amqp::Publisher& publisher,
           topology::Names names, std::chrono::nanoseconds interval, Events events);

    /// Ends early when the broker takes no more, with why. When cancelled it takes no more letters,
    /// ends what is under way, and returns like that too.
    Task<> run(ChosenLetters chosen, MessageProgress& progress);

    /// So many may be held by one replay at that speed.
    static std::uint16_t window_at(std::chrono::nanoseconds interval);
    static constexpr std::size_t largest_body = 1024 * 1024;

private:
    Task<> feed(ChosenLetters& chosen);
    asio::awaitable<void> wait_turn();
    asio::awaitable<void> send(amqp::Delivery delivery, DeadLetter letter);

    LetterWalk& walk_;
    amqp::Publisher& publisher_;
    topology::Names names_;
    std::chrono::nanoseconds interval_;
    Events events_;
    TaskGroup under_way_;
    std::optional<std::chrono::steady_clock::time_point> next_turn_;
    std::optional<Failure> failure_;
    MessageProgress* progress_ = nullptr;
};

}  // namespace prewarm::producer
