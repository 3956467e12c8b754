/// Every metric of the project (contract, section 10), over prometheus-cpp.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/media.hpp"

namespace prewarm::metrics {

using Duration = std::chrono::steady_clock::duration;

/// The values of label `stage` of `prewarm_job_duration_seconds`.
enum class Stage : std::uint8_t {
    queue,  ///< From the event's time to the start of its job.
    claim,
    budget,
    r2_first_byte,  ///< From the request to R2 to its headers.
    transfer,       ///< From R2 to Telegram, all of it.
    telegram,       ///< From Telegram's last byte in to its answer.
    commit,
    invalidate,
    announce,
    total,  ///< From the start of the job to its end.
};

inline constexpr std::array all_stages{
    Stage::queue,    Stage::claim,  Stage::budget,     Stage::r2_first_byte, Stage::transfer,
    Stage::telegram, Stage::commit, Stage::invalidate, Stage::announce,      Stage::total};

std::string_view name_of(Stage stage);

/// Where half, 95 % and 99 % of the durations lie, worked out from the histogram's buckets.
struct Quantiles {
    std::chrono::duration<double> p50{};
    std::chrono::duration<double> p95{};
    std::chrono::duration<double> p99{};
};

/// What has been counted since the start, for the admin's JSON.
struct Totals {
    std::uint64_t ready = 0;
    std::uint64_t already_warm = 0;
    std::uint64_t coalesced = 0;
    std::uint64_t parked = 0;
    std::uint64_t dead_lettered = 0;
    std::uint64_t retries = 0;
    std::uint64_t downloaded_bytes = 0;
    std::uint64_t uploaded_bytes = 0;
    std::uint64_t lookups = 0;
    std::uint64_t lookup_hits = 0;
};

/// Thread-safe, as prometheus-cpp is.
class Registry {
public:
    Registry();
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// `outcome`: ready, already_warm, coalesced, parked, dead_lettered, handed_back.
    void job_ended(std::string_view outcome, MediaKind kind);
    void stage_took(Stage stage, Duration time);
    void retried(std::string_view reason);
    void dead_lettered(std::string_view reason);
    void uploaded_twice();
    void sent(std::string_view route);
    void got_weak_id(MediaKind kind, MediaKind actual_kind);
    void saved(std::uint64_t bytes);  ///< Of objects that got a file_id and were not streamed.
    void downloaded(std::uint64_t bytes);
    void probed(std::uint64_t bytes);  ///< Read beside a download, to learn what to declare.
    void uploaded(std::uint64_t bytes);
    /// `result`: hit, miss, shared, bypass.
    void asked_download_cache(std::string_view result);
    void uploaded_in_album();  ///< One photo of several in a request.
    void telegram_failed(std::string_view error_class);
    /// Redis was asked for turns.
    void budget_asked();
    /// `limit`: the one that made a job wait for its turn, or `none`.
    void budget_waited(std::string_view limit, Duration time);
    /// `source`: database, miss.
    void looked_up(std::string_view source);

    void set_jobs_in_flight(std::size_t jobs, std::size_t limit);
    void set_deliveries_buffered(std::size_t deliveries);
    void set_queue_depth(std::string_view queue, std::uint64_t messages);
    /// The broker does not treat the queue as was agreed.
    void set_queue_policy_wrong(std::string_view queue, bool wrong);
    void set_dependency_up(std::string_view name, bool up);
    /// While it is open, no work that needs it is begun. `name`: a dependency's, or `bot:<slug>`.
    void set_breaker_open(std::string_view name, bool open);

    Quantiles quantiles(Stage stage) const;
    Totals totals() const;

    /// Prometheus' text format, version 0.0.4.
    std::string text() const;

private:
    struct Families;
    std::unique_ptr<Families> families_;
};

}  // namespace prewarm::metrics
