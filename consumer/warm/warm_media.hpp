/// What the service is for: an upload becomes a file_id, in an order that survives any crash.
#pragma once

#include <cstdint>

#include "common/base/claim.hpp"
#include "consumer/warm/outcome.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm::warm {

/// Warms one media at a time for each call of `run`; calls may overlap. One loop's thread.
class WarmMedia {
public:
    explicit WarmMedia(Ports ports) : ports_{ports} {}

    /// `deliveries`: how often the broker has handed this event out, this time included; it counts
    /// the attempts where the ledger cannot. Cancelled, it gives the lease up and ends HandedBack.
    asio::awaitable<Outcome> run(const Upload& upload, std::uint32_t deliveries);

    /// Records that an upload was refused before anything was tried: whoever looks it up is told.
    asio::awaitable<Outcome> refuse(const Upload& upload, DeadLettered why);

private:
    struct Failed {
        Step step;
        Failure failure;
    };
    template <class T>
    using Tried = std::expected<T, Failed>;

    template <class T>
    asio::awaitable<Tried<T>> timed(Step step, Task<T> work);
    asio::awaitable<void> patiently(Step step, std::function<Task<>()> work);

    /// `held` is the lease that is to be given up if this ends otherwise than well.
    asio::awaitable<Outcome> steps(const Upload& upload, std::uint32_t deliveries,
                                   std::optional<Lease>& held);
    asio::awaitable<Tried<Sent>> transfer(const Upload& upload);
    asio::awaitable<Outcome> keep(const Upload& upload, Sent sent, std::optional<Lease>& held);
    asio::awaitable<Ready> tell(const Upload& upload, ReadyMedia media, bool already_warm);
    asio::awaitable<Outcome> give_up(std::optional<Lease>& held, Failed failed);

    Ports ports_;
};

}  // namespace prewarm::warm
