#include <boost/json.hpp>

#include "common/log/log.hpp"
#include "consumer/admin/routes.hpp"

namespace prewarm::admin {
namespace {

namespace json = boost::json;

double ratio(double part, double whole) {
    return whole == 0 ? 0 : part / whole;
}

json::object latencies(const metrics::Registry& metrics) {
    const auto milliseconds = [](std::chrono::duration<double> time) {
        return std::chrono::duration<double, std::milli>(time).count();
    };
    json::object stages;
    for (const auto stage : metrics::all_stages) {
        const auto [p50, p95, p99] = metrics.quantiles(stage);
        stages[metrics::name_of(stage)] = json::object{
            {"p50", milliseconds(p50)}, {"p95", milliseconds(p95)}, {"p99", milliseconds(p99)}};
    }
    return stages;
}

http::Response worker_state(const Parts& parts) {
    return http::respond(
        200, "application/json",
        json::serialize(json::object{{"paused", parts.intake.stopped()},
                                     {"processing_count", parts.intake.jobs_at_work()}}));
}

}  // namespace

http::Response worker_metrics(const Parts& parts) {
    const auto totals = parts.metrics.totals();
    const auto at_work = parts.intake.jobs_at_work();
    const auto limit = parts.intake.concurrency();
    const auto ended = static_cast<double>(totals.ready + totals.already_warm + totals.coalesced +
                                           totals.parked + totals.dead_lettered);
    const json::object body{
        {"queue_size", parts.queue_size()},
        {"processing_count", at_work},
        {"active_workers", at_work},
        {"max_concurrency", limit},
        {"max_queue_size", parts.max_queue},
        {"utilization", ratio(static_cast<double>(at_work), static_cast<double>(limit))},
        {"paused", parts.intake.stopped()},
        {"totals",
         {{"ready", totals.ready},
          {"already_warm", totals.already_warm},
          {"coalesced", totals.coalesced},
          {"parked", totals.parked},
          {"dead_lettered", totals.dead_lettered},
          {"retries", totals.retries},
          {"downloaded_bytes", totals.downloaded_bytes},
          {"uploaded_bytes", totals.uploaded_bytes}}},
        {"latency_ms", latencies(parts.metrics)},
        {"cache_hit_rate",
         ratio(static_cast<double>(totals.lookup_hits), static_cast<double>(totals.lookups))},
        {"retry_rate", ratio(static_cast<double>(totals.retries), ended)},
    };
    return http::respond(200, "application/json", json::serialize(body));
}

asio::awaitable<http::Response> stop_worker(const Parts& parts) {
    const auto stopped = co_await parts.intake.stop();
    log::info("worker.stopped", "an operator stopped the taking of events",
              {{"at_work", parts.intake.jobs_at_work()}});
    if (!stopped) {
        log::warn("worker.stop_unconfirmed", "the broker did not confirm; nothing is started here",
                  {{"error", stopped.error().detail}});
    }
    co_return worker_state(parts);
}

asio::awaitable<http::Response> start_worker(const Parts& parts) {
    const auto started = co_await parts.intake.start();
    if (!started) co_return error(503, "BROKER_AWAY", started.error().detail);
    log::info("worker.started", "an operator started the taking of events");
    co_return worker_state(parts);
}

}  // namespace prewarm::admin
