#include "common/metrics/registry.hpp"

#include <cmath>
#include <map>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace prewarm::metrics {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;

// From a claim on loopback (under a millisecond) to minutes of waiting for Telegram.
const prometheus::Histogram::BucketBoundaries buckets{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
                                                      0.1,    0.2,   0.5,   1,     2,    5,    10,
                                                      20,     30,    60,    120,   300,  600};

using Counters = prometheus::Family<prometheus::Counter>;
using Gauges = prometheus::Family<prometheus::Gauge>;
using Histograms = prometheus::Family<prometheus::Histogram>;

std::uint64_t value_of(const prometheus::Counter& counter) {
    return static_cast<std::uint64_t>(std::llround(counter.Value()));
}

/// The value below which `share` of the observations lie, taking them as evenly spread over their
/// bucket. Those above the last boundary count as if on it.
double quantile(const prometheus::ClientMetric::Histogram& histogram, double share) {
    const double rank = share * static_cast<double>(histogram.sample_count);
    double below = 0;
    double lower_bound = 0;
    for (const auto& bucket : histogram.bucket) {
        const auto up_to_here = static_cast<double>(bucket.cumulative_count);
        if (up_to_here >= rank && up_to_here > below) {
            if (std::isinf(bucket.upper_bound)) return lower_bound;
            return lower_bound +
                   (bucket.upper_bound - lower_bound) * (rank - below) / (up_to_here - below);
        }
        below = up_to_here;
        lower_bound = bucket.upper_bound;
    }
    return 0;
}

}  // namespace

std::string_view name_of(Stage stage) {
    constexpr std::array<std::string_view, all_stages.size()> names{
        "queue",    "claim",  "budget",     "r2_first_byte", "transfer",
        "telegram", "commit", "invalidate", "announce",      "total"};
    return names[static_cast<std::size_t>(stage)];
}

struct Registry::Families {
    prometheus::Registry registry;
    Counters& jobs = BuildCounter()
                         .Name("prewarm_jobs_total")
                         .Help("Jobs that ended, by outcome and kind asked for")
                         .Register(registry);
    Histograms& durations = BuildHistogram()
                                .Name("prewarm_job_duration_seconds")
                                .Help("Time a job spent in each stage")
                                .Register(registry);
    prometheus::Counter& budget_questions =
        BuildCounter()
            .Name("prewarm_budget_questions_total")
            .Help("How often the shared budget was asked for turns")
            .Register(registry)
            .Add({});
    Histograms& budget_waits =
        BuildHistogram()
            .Name("prewarm_budget_wait_seconds")
            .Help("Time a job waited for its turn, by the limit that made it")
            .Register(registry);
    prometheus::Gauge& in_flight =
        BuildGauge().Name("prewarm_jobs_in_flight").Help("Jobs at work").Register(registry).Add({});
    prometheus::Gauge& limit = BuildGauge()
                                   .Name("prewarm_concurrency_limit")
                                   .Help("Most jobs at work at once")
                                   .Register(registry)
                                   .Add({});
    prometheus::Gauge& utilization = BuildGauge()
                                         .Name("prewarm_utilization_ratio")
                                         .Help("Jobs at work divided by the limit")
                                         .Register(registry)
                                         .Add({});
    prometheus::Gauge& buffered = BuildGauge()
                                      .Name("prewarm_deliveries_buffered")
                                      .Help("Deliveries held that wait for their job to start")
                                      .Register(registry)
                                      .Add({});
    Gauges& queue_depth = BuildGauge()
                              .Name("prewarm_queue_depth")
                              .Help("Messages ready in a queue of the broker")
                              .Register(registry);
    Gauges& queue_policy_wrong = BuildGauge()
                                     .Name("prewarm_queue_policy_wrong")
                                     .Help(
                                         "1 while a policy of the broker, or an argument, takes "
                                         "away what the queue must keep")
                                     .Register(registry);
    Counters& retries = BuildCounter()
                            .Name("prewarm_retries_total")
                            .Help("Attempts that failed and are tried again, by reason")
                            .Register(registry);
    Counters& dead_letters = BuildCounter()
                                 .Name("prewarm_dead_letters_total")
                                 .Help("Events given up, by reason")
                                 .Register(registry);
    prometheus::Counter& duplicates =
        BuildCounter()
            .Name("prewarm_duplicate_uploads_total")
            .Help("Uploads to Telegram that may have been one too many")
            .Register(registry)
            .Add({});
    Counters& sent = BuildCounter()
                         .Name("prewarm_sent_total")
                         .Help("Objects that Telegram took, by the way they went")
                         .Register(registry);
    Counters& weak_ids = BuildCounter()
                             .Name("prewarm_weak_ids_total")
                             .Help(
                                 "Media that got a file_id of another kind than asked, or "
                                 "without the attributes of their video")
                             .Register(registry);
    prometheus::Counter& saved =
        BuildCounter()
            .Name("prewarm_saved_bytes_total")
            .Help("Bytes of objects that got a file_id without being streamed")
            .Register(registry)
            .Add({});
    Counters& bytes = BuildCounter()
                          .Name("prewarm_transferred_bytes_total")
                          .Help("Bytes of objects read from R2 and sent to Telegram")
                          .Register(registry);
    prometheus::Counter& downloaded = bytes.Add({{"direction", "download"}});
    prometheus::Counter& probed = bytes.Add({{"direction", "probe"}});
    prometheus::Counter& uploaded = bytes.Add({{"direction", "upload"}});
    Counters& download_cache =
        BuildCounter()
            .Name("prewarm_download_cache_requests_total")
            .Help("Objects asked of the download cache, by how it served them")
            .Register(registry);
    prometheus::Counter& in_albums =
        BuildCounter()
            .Name("prewarm_album_uploads_total")
            .Help("Photos that were posted in an album, several with one request")
            .Register(registry)
            .Add({});
    Counters& telegram_errors = BuildCounter()
                                    .Name("prewarm_telegram_errors_total")
                                    .Help("Telegram's refusals and failures, by class")
                                    .Register(registry);
    Counters& lookups = BuildCounter()
                            .Name("prewarm_lookup_requests_total")
                            .Help("Lookups answered, by where the answer came from")
                            .Register(registry);
    prometheus::Counter& lookup_hits = lookups.Add({{"source", "database"}});
    prometheus::Counter& lookup_misses = lookups.Add({{"source", "miss"}});
    Gauges& dependency_up = BuildGauge()
                                .Name("prewarm_dependency_up")
                                .Help("1 while the dependency answers")
                                .Register(registry);
    Gauges& breaker_open = BuildGauge()
                               .Name("prewarm_breaker_open")
                               .Help("1 while no work is begun that needs the dependency or bot")
                               .Register(registry);
    std::vector<prometheus::Histogram*> stages;

    Families() {
        for (const auto stage : all_stages) {
            stages.push_back(&durations.Add({{"stage", std::string{name_of(stage)}}}, buckets));
        }
        BuildGauge()
            .Name("prewarm_build_info")
            .Help("1, labelled with the version that runs")
            .Register(registry)
            .Add({{"version", PREWARM_VERSION}})
            .Set(1);
    }

    std::uint64_t jobs_with(std::string_view outcome) {
        std::uint64_t sum = 0;
        for (const auto kind : all_media_kinds)
            sum += value_of(job(outcome, kind));
        return sum;
    }
    prometheus::Counter& job(std::string_view outcome, MediaKind kind) {
        return jobs.Add(
            {{"outcome", std::string{outcome}}, {"kind", std::string{prewarm::name_of(kind)}}});
    }
};

Registry::Registry() : families_{std::make_unique<Families>()} {}
Registry::~Registry() = default;

void Registry::job_ended(std::string_view outcome, MediaKind kind) {
    families_->job(outcome, kind).Increment();
}

void Registry::stage_took(Stage stage, Duration time) {
    families_->stages[static_cast<std::size_t>(stage)]->Observe(
        std::chrono::duration<double>(time).count());
}

void Registry::retried(std::string_view reason) {
    families_->retries.Add({{"reason", std::string{reason}}}).Increment();
}

void Registry::dead_lettered(std::string_view reason) {
    families_->dead_letters.Add({{"reason", std::string{reason}}}).Increment();
}

void Registry::uploaded_twice() {
    families_->duplicates.Increment();
}

void Registry::sent(std::string_view route) {
    families_->sent.Add({{"route", std::string{route}}}).Increment();
}

void Registry::got_weak_id(MediaKind kind, MediaKind actual_kind) {
    families_->weak_ids
        .Add({{"kind", std::string{name_of(kind)}},
              {"actual_kind", std::string{name_of(actual_kind)}}})
        .Increment();
}

void Registry::saved(std::uint64_t bytes) {
    families_->saved.Increment(static_cast<double>(bytes));
}

void Registry::downloaded(std::uint64_t bytes) {
    families_->downloaded.Increment(static_cast<double>(bytes));
}

void Registry::probed(std::uint64_t bytes) {
    families_->probed.Increment(static_cast<double>(bytes));
}

void Registry::uploaded(std::uint64_t bytes) {
    families_->uploaded.Increment(static_cast<double>(bytes));
}

void Registry::asked_download_cache(std::string_view result) {
    families_->download_cache.Add({{"result", std::string{result}}}).Increment();
}

void Registry::uploaded_in_album() {
    families_->in_albums.Increment();
}

void Registry::telegram_failed(std::string_view error_class) {
    families_->telegram_errors.Add({{"class", std::string{error_class}}}).Increment();
}

void Registry::budget_asked() {
    families_->budget_questions.Increment();
}

void Registry::budget_waited(std::string_view limit, Duration time) {
    families_->budget_waits.Add({{"limit", std::string{limit}}}, buckets)
        .Observe(std::chrono::duration<double>(time).count());
}

void Registry::looked_up(std::string_view source) {
    families_->lookups.Add({{"source", std::string{source}}}).Increment();
}

void Registry::set_jobs_in_flight(std::size_t jobs, std::size_t limit) {
    families_->in_flight.Set(static_cast<double>(jobs));
    families_->limit.Set(static_cast<double>(limit));
    families_->utilization.Set(limit == 0 ? 0
                                          : static_cast<double>(jobs) / static_cast<double>(limit));
}

void Registry::set_deliveries_buffered(std::size_t deliveries) {
    families_->buffered.Set(static_cast<double>(deliveries));
}

void Registry::set_queue_depth(std::string_view queue, std::uint64_t messages) {
    families_->queue_depth.Add({{"queue", std::string{queue}}}).Set(static_cast<double>(messages));
}

void Registry::set_queue_policy_wrong(std::string_view queue, bool wrong) {
    families_->queue_policy_wrong.Add({{"queue", std::string{queue}}}).Set(wrong ? 1 : 0);
}

void Registry::set_dependency_up(std::string_view name, bool up) {
    families_->dependency_up.Add({{"name", std::string{name}}}).Set(up ? 1 : 0);
}

void Registry::set_breaker_open(std::string_view name, bool open) {
    families_->breaker_open.Add({{"name", std::string{name}}}).Set(open ? 1 : 0);
}

Quantiles Registry::quantiles(Stage stage) const {
    const auto collected = families_->stages[static_cast<std::size_t>(stage)]->Collect().histogram;
    using Seconds = std::chrono::duration<double>;
    return {.p50 = Seconds{quantile(collected, 0.50)},
            .p95 = Seconds{quantile(collected, 0.95)},
            .p99 = Seconds{quantile(collected, 0.99)}};
}

Totals Registry::totals() const {
    const auto sum = [](const Counters& family) {
        double total = 0;
        for (const auto& collected : family.Collect()) {
            for (const auto& metric : collected.metric)
                total += metric.counter.value;
        }
        return static_cast<std::uint64_t>(std::llround(total));
    };
    return {.ready = families_->jobs_with("ready"),
            .already_warm = families_->jobs_with("already_warm"),
            .coalesced = families_->jobs_with("coalesced"),
            .parked = families_->jobs_with("parked"),
            .dead_lettered = sum(families_->dead_letters),
            .retries = sum(families_->retries),
            .downloaded_bytes = value_of(families_->downloaded),
            .uploaded_bytes = value_of(families_->uploaded),
            .lookups = sum(families_->lookups),
            .lookup_hits = value_of(families_->lookup_hits)};
}

std::string Registry::text() const {
    return prometheus::TextSerializer{}.Serialize(families_->registry.Collect());
}

}  // namespace prewarm::metrics
