/// What the service is for: an upload becomes a file_id, in an order that survives any crash.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>

#include "common/base/claim.hpp"
#include "consumer/warm/isolation.hpp"
#include "consumer/warm/outcome.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm::warm {

/// Seen from outside while a job runs.
struct Progress {
    /// The ledger has the media's event: should this job get lost, it comes again.
    bool is_recorded = false;
    /// Telegram may have it, and nobody has its file_id yet.
    bool may_be_posted = false;
};

/// Warms one media at a time for each call of `run`; calls may overlap. One loop's thread.
class WarmMedia {
public:
    WarmMedia(asio::any_io_executor executor, Ports ports, RetryPolicy policy)
        : ports_{ports}, policy_{policy}, isolation_{std::move(executor)} {}

    /// Cancelled, it gives the lease up and ends HandedBack. While the ledger is away it waits:
    /// nothing is handed back, since the broker counts how often it has to deliver.
    asio::awaitable<Outcome> run(const Upload& upload, Progress& progress);

    /// After what a dead letter means has been told.
    asio::awaitable<void> told(const DeadLettered& dead);

    /// Records that an upload was refused before anything was tried: whoever looks it up is told.
    asio::awaitable<Outcome> refuse(const Upload& upload, DeadLettered why);

private:
    struct Failed {
        Step step;
        Failure failure;
        bool lost_lease = false;  ///< Somebody else answers for the media.
        bool was_noted = false;   ///< That Telegram may have it.
        bool needs_turn = false;  ///< Nothing failed: another turn is needed for it.
    };
    template <class T>
    using Tried = std::expected<T, Failed>;

    template <class T>
    asio::awaitable<Tried<T>> timed(Step step, Task<T> work);
    template <class T>
    asio::awaitable<Tried<T>> patiently(Step step, std::function<Task<T>()> work);

    /// `held` is the lease that is to be given up if this ends otherwise than well.
    asio::awaitable<Outcome> steps(const Upload& upload, Progress& progress,
                                   std::optional<Lease>& held);
    asio::awaitable<Outcome> warm(const Upload& upload, Progress& progress,
                                  std::optional<Lease>& held);
    asio::awaitable<Tried<Sent>> transfer(const Upload& upload, const Lease& lease,
                                          Progress& progress, bool insists);
    asio::awaitable<Sent> insist(const Upload& upload, const Lease& lease, Progress& progress,
                                 Sent weak);
    asio::awaitable<Outcome> keep(const Upload& upload, Sent sent, std::optional<Lease>& held);
    asio::awaitable<Ready> tell(const Upload& upload, ReadyMedia media, bool already_warm);
    asio::awaitable<Situation> situation_of(const Failed& failed, const Lease& lease,
                                            std::uint32_t tries_here);
    asio::awaitable<Isolation::Stay> enter(const Upload& upload, Lease& lease);
    asio::awaitable<void> note_told(const Lease& lease);
    asio::awaitable<Outcome> park(std::optional<Lease>& held, Parked parked, bool was_sent);
    asio::awaitable<Outcome> bury(std::optional<Lease>& held, DeadLettered dead);

    Ports ports_;
    RetryPolicy policy_;
    Isolation isolation_;
};

}  // namespace prewarm::warm
