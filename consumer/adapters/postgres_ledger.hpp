/// The ledger in PostgreSQL, and the renewal of the leases of all jobs at work here.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/media_store/media_store.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// `store` outlives it; one loop's thread.
class PostgresLedger : public warm::Ledger {
public:
    /// `instance` names us in the rows; a lease lasts for `lease` unless renewed.
    PostgresLedger(MediaStore& store, std::string instance, std::chrono::milliseconds lease);

    Task<Claim> claim(const Upload& upload) override;
    Task<ReadyMedia> commit(const Lease& lease, const Sent& sent, bool weak) override;
    Task<> told(const Lease& lease) override;
    Task<bool> park(const Lease& lease, std::chrono::milliseconds wait, std::string why,
                    ParkedAfter after) override;
    Task<> count_start(const Lease& lease, bool counts) override;
    Task<bool> note_posting(const Lease& lease, bool may_be_posted) override;
    Task<std::optional<std::vector<std::string>>> record_dead(const Lease& lease,
                                                              std::string why) override;
    Task<bool> release(const Lease& lease) override;
    Task<std::vector<std::string>> record_refused(const MediaKey& media, std::string why) override;

    /// Renews every live lease three times in its life, with one statement, until cancelled; after
    /// a failure it tries again at once.
    asio::awaitable<void> keep_leases();

private:
    MediaStore& store_;
    std::string instance_;
    std::chrono::milliseconds lease_;
    std::map<std::int64_t, Lease> live_;  ///< By token.
    std::set<MediaKey> doubtful_;         ///< A claim that failed may have taken effect.
};

}  // namespace prewarm
