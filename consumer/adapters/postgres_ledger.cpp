#include "consumer/adapters/postgres_ledger.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/events/upload_event.hpp"
#include "common/log/log.hpp"
#include "common/runtime/deadline.hpp"

namespace prewarm {

using namespace std::chrono_literals;

PostgresLedger::PostgresLedger(MediaStore& store, std::string instance,
                               std::chrono::milliseconds lease)
    : store_{store}, instance_{std::move(instance)}, lease_{lease} {}

Task<Claim> PostgresLedger::claim(const Upload& upload) {
    std::optional<std::vector<std::int64_t>> known_tokens;
    if (doubtful_.contains(upload.media)) {
        known_tokens.emplace();
        for (const auto& [token, lease] : live_)
            known_tokens->push_back(token);
    }
    auto claim = co_await store_.claim(upload, events::encode_upload(upload), instance_, lease_,
                                       std::move(known_tokens));
    if (!claim) {
        // Other failures are answers.
        if (claim.error().kind == FailureKind::unavailable ||
            claim.error().kind == FailureKind::transient) {
            doubtful_.insert(upload.media);
        }
    } else {
        doubtful_.erase(upload.media);
        if (const auto* lease = std::get_if<Lease>(&*claim)) live_.emplace(lease->token, *lease);
    }
    co_return claim;
}

Task<ReadyMedia> PostgresLedger::commit(const Lease& lease, const Sent& sent, bool weak) {
    return store_.commit(lease, sent, weak);
}

Task<std::optional<std::vector<std::string>>> PostgresLedger::record_dead(const Lease& lease,
                                                                          std::string why) {
    return store_.record_dead(lease, std::move(why));
}

Task<> PostgresLedger::told(const Lease& lease) {
    live_.erase(lease.token);
    return store_.told(lease.media, lease.token);
}

Task<bool> PostgresLedger::park(const Lease& lease, std::chrono::milliseconds wait, std::string why,
                                ParkedAfter after) {
    auto parked = co_await store_.park(lease, wait, std::move(why), after);
    if (parked) live_.erase(lease.token);
    co_return parked;
}

Task<> PostgresLedger::count_start(const Lease& lease, bool counts) {
    return store_.count_start(lease, counts);
}

Task<bool> PostgresLedger::note_posting(const Lease& lease, bool may_be_posted) {
    return store_.note_posting(lease, may_be_posted);
}

Task<bool> PostgresLedger::release(const Lease& lease) {
    live_.erase(lease.token);
    co_return co_await store_.release(lease);
}

Task<std::vector<std::string>> PostgresLedger::record_refused(const MediaKey& media,
                                                              std::string why) {
    return store_.record_refused(media, std::move(why));
}

asio::awaitable<void> PostgresLedger::keep_leases() {
    for (auto wait = lease_ / 3;;) {
        co_await sleep_for(wait);
        wait = lease_ / 3;
        std::vector<Lease> leases;
        for (const auto& [token, lease] : live_)
            leases.push_back(lease);
        if (leases.empty()) continue;
        const auto lost = co_await store_.renew(std::move(leases), lease_);
        if (!lost) {
            log::warn("lease.not_renewed", "leases could not be renewed; trying again",
                      {{"leases", live_.size()}, {"error", lost.error().detail}});
            wait = std::min<std::chrono::milliseconds>(wait, 500ms);
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
