/// Sends upload events again that wait for their time, or were lost on their way.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/media_store/media_store.hpp"
#include "common/metrics/registry.hpp"
#include "common/runtime/task.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// Any number of instances may do this side by side: each takes rows that the others do not. An
/// event is forgotten here only after the broker has confirmed it; one that is sent twice costs a
/// claim. One loop's thread.
class Reconciler {
public:
    struct Parts {
        MediaStore& store;
        const warm::Surroundings& surroundings;
        metrics::Registry& metrics;
        warm::Clock& clock;
        /// To the exchange `prewarm`; ends with the broker's confirm.
        std::function<Task<>(const Upload&)> publish;
        /// For an event that nobody can work on, with MediaFailed; confirmed likewise.
        std::function<Task<>(const LostEvent&, const std::string& why)> dead_letter;
        /// Whose jobs may be sent, how many before the next look, and whose must not: their bot
        /// rests.
        std::function<std::vector<BotRoom>()> usable_bots;
        std::function<std::vector<std::string>()> resting_bots;
        /// No upload event waits in the queue, and none has for a while.
        std::function<bool()> queue_is_empty;
    };

    /// Looks every `interval`, and when the next parked job is due. An event that is in no queue is
    /// missed after `patience`.
    Reconciler(Parts parts, std::chrono::milliseconds interval, std::chrono::milliseconds patience)
        : parts_{std::move(parts)}, interval_{interval}, patience_{patience} {}

    /// Until cancelled. While a dependency is away nothing is sent: it would only be parked again.
    asio::awaitable<void> run();

private:
    std::vector<std::string> usable_slugs() const;
    asio::awaitable<std::chrono::milliseconds> until_next_due();
    asio::awaitable<void> send_due();
    asio::awaitable<void> send_orphans();
    asio::awaitable<void> send_lost();
    asio::awaitable<void> send_and_tell(Result<std::vector<LostEvent>> taken, std::string reason);
    /// How many the broker has now; nothing when there is no use in going on.
    Task<std::size_t> send(std::vector<LostEvent> events);
    Task<> send_one(const LostEvent& event);

    Parts parts_;
    std::chrono::milliseconds interval_;
    std::chrono::milliseconds patience_;
};

}  // namespace prewarm
