/// The one place where a job's outcome is logged and counted.
#pragma once

#include <chrono>
#include <string>

#include "common/base/upload.hpp"
#include "common/metrics/registry.hpp"
#include "consumer/adapters/r2_telegram_courier.hpp"
#include "consumer/warm/outcome.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// `metrics` outlives it.
class Report : public warm::StepObserver {
public:
    explicit Report(metrics::Registry& metrics) : metrics_{metrics} {}

    void step_ended(warm::Step step, std::chrono::steady_clock::duration took) override;
    void step_retried(warm::Step step, const Failure& failure) override;
    void suspect_runs_alone(const Upload& upload, std::uint32_t starts) override;
    void weak_id_retried(const Upload& upload, bool is_mended) override;
    void upload_wasted() override;

    void carried(const CarryReport& carried);

    /// `upload` is what could be read of the event; `took` is from the start of the job.
    void job_ended(const Upload& upload, const warm::Outcome& outcome,
                   std::chrono::steady_clock::duration took);

private:
    void note_time_in_queue(const Upload& upload, std::chrono::steady_clock::duration took);

    metrics::Registry& metrics_;
};

}  // namespace prewarm
