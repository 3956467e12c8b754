#include "consumer/adapters/postgres_ledger.hpp"

#include <utility>
#include <vector>

#include "common/events/upload_event.hpp"
#include "common/log/log.hpp"
#include "common/runtime/deadline.hpp"

namespace prewarm {

PostgresLedger::PostgresLedger(MediaStore& store, std::string instance,
                               std::chrono::milliseconds lease)
    : store_{store}, instance_{std::move(instance)}, lease_{lease} {}

Task<Claim> PostgresLedger::claim(const Upload& upload) {
    auto claim = co_await store_.claim(upload, events::encode_upload(upload), instance_, lease_);
    if (claim) {
        if (const auto* lease = std::get_if<Lease>(&*claim)) live_.emplace(lease->token, *lease);
    }
    co_return claim;
}

Task<ReadyMedia> PostgresLedger::commit(const Lease& lease, const Sent& sent, bool weak) {
    auto ready = co_await store_.commit(lease, sent, weak);
    // After a failure the lease may still be ours to give up.
    if (ready) live_.erase(lease.token);
    co_return ready;
}

Task<bool> PostgresLedger::park(const Lease& lease, std::chrono::milliseconds wait, std::string why,
                                bool failed) {
    auto parked = co_await store_.park(lease, wait, std::move(why), failed);
    if (parked) live_.erase(lease.token);
    co_return parked;
}

Task<std::optional<std::vector<std::string>>> PostgresLedger::record_dead(const Lease& lease,
                                                                          std::string why) {
    auto answered = co_await store_.record_dead(lease, std::move(why));
    if (answered) live_.erase(lease.token);
    co_return answered;
}

Task<bool> PostgresLedger::release(const Lease& lease) {
    live_.erase(lease.token);
    co_return co_await store_.release(lease);
}

Task<bool> PostgresLedger::record_refused(const MediaKey& media, std::string why) {
    return store_.record_refused(media, std::move(why));
}

asio::awaitable<void> PostgresLedger::keep_leases() {
    while (true) {
        co_await sleep_for(lease_ / 3);
        std::vector<Lease> leases;
        for (const auto& [token, lease] : live_)
            leases.push_back(lease);
        if (leases.empty()) continue;
        const auto lost = co_await store_.renew(std::move(leases), lease_);
        if (!lost) {
            log::warn("lease.not_renewed", "leases could not be renewed; trying again",
                      {{"leases", live_.size()}, {"error", lost.error().detail}});
            continue;
        }
        for (const auto& lease : *lost) {
            // A job that ended meanwhile has lost nothing.
            if (live_.erase(lease.token) == 0) continue;
            log::warn("lease.lost", "another instance has taken this media over",
                      {{"bot_slug", lease.media.bot_slug},
                       {"sha256", lease.media.sha256.hex()},
                       {"kind", name_of(lease.media.kind)}});
        }
    }
}

}  // namespace prewarm
