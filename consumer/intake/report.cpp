#include "consumer/intake/report.hpp"

#include <algorithm>

#include "common/log/log.hpp"
#include "consumer/intake/failpoint.hpp"

namespace prewarm {
namespace {

metrics::Stage stage_of(warm::Step step) {
    switch (step) {
        case warm::Step::claim:
            return metrics::Stage::claim;
        case warm::Step::budget:
            return metrics::Stage::budget;
        case warm::Step::transfer:
            return metrics::Stage::transfer;
        case warm::Step::commit:
            return metrics::Stage::commit;
        case warm::Step::invalidate:
            return metrics::Stage::invalidate;
        case warm::Step::announce:
            return metrics::Stage::announce;
    }
    return metrics::Stage::total;
}

log::Fields fields_of(const Upload& upload, std::chrono::steady_clock::duration took) {
    log::Fields fields{{"bot_slug", upload.media.bot_slug},
                       {"sha256", upload.media.sha256.hex()},
                       {"kind", name_of(upload.media.kind)},
                       {"event_id", upload.event_id},
                       {"ms", std::chrono::round<std::chrono::milliseconds>(took).count()}};
    // version "00", 32 digits of trace id, 16 of the span, 2 of flags (W3C Trace Context)
    if (upload.traceparent.size() == 55) {
        fields.emplace_back("trace_id", std::string_view{upload.traceparent}.substr(3, 32));
    }
    return fields;
}

template <class... Cases>
struct Match : Cases... {
    using Cases::operator()...;
};

}  // namespace

void Report::step_ended(warm::Step step, std::chrono::steady_clock::duration took) {
    metrics_.stage_took(stage_of(step), took);
    failpoint(warm::name_of(step));
}

void Report::step_retried(warm::Step step, const Failure& failure) {
    metrics_.retried(name_of(step));
    log::warn("step.retried", "a step failed and is tried again",
              {{"step", name_of(step)}, {"error", failure.detail}});
}

void Report::suspect_runs_alone(const Upload& upload, std::uint32_t starts) {
    log::warn("job.suspect", "it was begun before without an outcome, and runs alone",
              {{"bot_slug", upload.media.bot_slug},
               {"sha256", upload.media.sha256.hex()},
               {"kind", name_of(upload.media.kind)},
               {"starts", starts}});
}

void Report::weak_id_retried(const Upload& upload, bool is_mended) {
    metrics_.retried("weak_id");
    log::info("job.weak_id_retried", "a weak file_id was tried once more",
              {{"bot_slug", upload.media.bot_slug},
               {"sha256", upload.media.sha256.hex()},
               {"kind", name_of(upload.media.kind)},
               {"mended", is_mended}});
}

void Report::upload_wasted() {
    metrics_.uploaded_twice();
    log::warn("upload.wasted",
              "an upload's file_id could not be kept: the media may be uploaded twice");
}

void Report::carried(const CarryReport& carried) {
    // The stage `transfer` is noted as a step, as it ended well or not.
    if (carried.r2_first_byte) {
        metrics_.stage_took(metrics::Stage::r2_first_byte, *carried.r2_first_byte);
    }
    if (carried.telegram) metrics_.stage_took(metrics::Stage::telegram, *carried.telegram);
    for (std::uint64_t i = 0; i < carried.r2_resumes; ++i)
        metrics_.retried("r2_read");
    if (carried.telegram && !carried.telegram_failure) metrics_.sent(name_of(carried.route));
    metrics_.saved(carried.saved_bytes);
    if (carried.cache) metrics_.asked_download_cache(name_of(*carried.cache));
    metrics_.downloaded(carried.downloaded_bytes);
    metrics_.probed(carried.probed_bytes);
    metrics_.uploaded(carried.uploaded_bytes);
    if (carried.in_album) metrics_.uploaded_in_album();
    if (carried.telegram_failure) metrics_.telegram_failed(name_of(*carried.telegram_failure));
    if (carried.outcome_unknown) metrics_.uploaded_twice();
}

void Report::note_time_in_queue(const Upload& upload, std::chrono::steady_clock::duration took) {
    if (upload.occurred_at.time_since_epoch().count() == 0) return;  // The event does not say.
    const auto waited = std::chrono::system_clock::now() - upload.occurred_at - took;
    // An uploader's clock may be ahead of ours.
    metrics_.stage_took(metrics::Stage::queue,
                        std::max<std::chrono::steady_clock::duration>(waited, {}));
}

void Report::job_ended(const Upload& upload, const warm::Outcome& outcome,
                       std::chrono::steady_clock::duration took) {
    note_time_in_queue(upload, took);
    metrics_.stage_took(metrics::Stage::total, took);
    auto fields = fields_of(upload, took);
    std::visit(Match{[&](const warm::Ready& ready) {
                         metrics_.job_ended(ready.already_warm ? "already_warm" : "ready",
                                            upload.media.kind);
                         if (ready.media.weak && !ready.already_warm)
                             metrics_.got_weak_id(upload.media.kind, ready.media.actual_kind);
                         fields.emplace_back("attempt", ready.media.attempts);
                         fields.emplace_back("version", ready.media.version);
                         fields.emplace_back("actual_kind", name_of(ready.media.actual_kind));
                         fields.emplace_back("weak", ready.media.weak);
                         fields.emplace_back("bytes", ready.media.bytes);
                         log::info("job.ready",
                                   ready.already_warm ? "the file_id was on record"
                                                      : "the media has a file_id",
                                   fields);
                     },
                     [&](const warm::Coalesced&) {
                         metrics_.job_ended("coalesced", upload.media.kind);
                         log::info("job.coalesced",
                                   "somebody is warming this media, and answers for this event",
                                   fields);
                     },
                     [&](const warm::Parked& parked) {
                         metrics_.job_ended("parked", upload.media.kind);
                         metrics_.retried(parked.failed ? "attempt_failed" : "waiting");
                         fields.emplace_back("error", parked.why);
                         fields.emplace_back("wait_ms", parked.wait.count());
                         fields.emplace_back("attempt_failed", parked.failed);
                         log::write(parked.for_its_turn ? log::Level::debug : log::Level::warn,
                                    "job.parked", "the media waits for another try", fields);
                     },
                     [&](const warm::HandedBack&) {
                         metrics_.job_ended("handed_back", upload.media.kind);
                         log::info("job.handed_back", "the event goes back to the queue", fields);
                     },
                     [&](const warm::DeadLettered& dead) {
                         metrics_.job_ended("dead_lettered", upload.media.kind);
                         metrics_.dead_lettered(name_of(dead.reason));
                         fields.emplace_back("attempt", dead.attempts);
                         fields.emplace_back("reason", name_of(dead.reason));
                         fields.emplace_back("error", dead.detail);
                         log::error("job.dead_lettered", "the media will not get ready", fields);
                     }},
               outcome);
}

}  // namespace prewarm
