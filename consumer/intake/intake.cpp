#include "consumer/intake/intake.hpp"

#include <algorithm>
#include <utility>

#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "common/events/upload_event.hpp"
#include "common/log/log.hpp"
#include "common/runtime/deadline.hpp"
#include "consumer/intake/event_headers.hpp"
#include "consumer/intake/failpoint.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

constexpr auto broker_answers_in = 10s;
// One that does not answer hands out nothing either, and must not hold up the end.
constexpr auto broker_lets_go_in = 1s;

// Well within RabbitMQ's consumer_timeout of 30 minutes.
constexpr auto parked_when_held_for = 1min;
constexpr auto settled_when_at_work_for = 15min;
constexpr auto given_back_when_waiting_for = 15min;
// Longer than a job may take that is tried three times, ten minutes each.
constexpr auto stuck_after = 45min;

/// As much of an unreadable event as reports can show.
Upload shown_of(const events::BadEvent& event) {
    const auto failed = events::failed_media(event);
    Upload upload;
    upload.event_id = failed.upload_event_id;
    upload.media.bot_slug = failed.bot_slug;
    if (failed.kind_number != 0) upload.media.kind = static_cast<MediaKind>(failed.kind_number);
    if (const auto sha256 = sha256_from_bytes(failed.sha256_bytes)) upload.media.sha256 = *sha256;
    return upload;
}

events::BadEvent over_long(const amqp::Delivery& delivery) {
    auto detail = delivery.body_bytes > events::max_event_bytes
                      ? fmt::format("the message is {} bytes long; events are at most {}",
                                    delivery.body_bytes, events::max_event_bytes)
                      : std::string{"the message's headers are too large, or nested too deep"};
    return {.reason = FailureReason::undecodable, .detail = std::move(detail)};
}

}  // namespace

Intake::Intake(asio::any_io_executor executor, Parts parts, std::size_t concurrency)
    : parts_{parts},
      concurrency_{concurrency},
      jobs_{executor,
            [this] {
                last_end_ = std::chrono::steady_clock::now();
                start_jobs();
            }},
      last_end_{std::chrono::steady_clock::now()} {
    count();
}

asio::awaitable<void> Intake::run() {
    while (true) {
        auto delivery = co_await parts_.consumer.next();
        if (delivery) {
            if (waiting_.empty() && jobs_.running() == 0)
                last_end_ = std::chrono::steady_clock::now();
            waiting_.push_back({std::move(*delivery), std::chrono::steady_clock::now()});
            if (stopped_) give_back_waiting();
            start_jobs();
            continue;
        }
        if (parts_.consumer.status().state == amqp::LinkState::closed) co_return;
        log::warn("intake.interrupted", "the broker took the deliveries back; waiting for it",
                  {{"error", delivery.error().detail}});
        std::erase_if(waiting_, [&](const auto& waiting) {
            return !parts_.consumer.holds(waiting.delivery.tag);
        });
        count();
    }
}

void Intake::start_jobs() {
    const bool away = parts_.surroundings.away().has_value();
    while (!stopped_ && !waiting_.empty() && jobs_at_work() < concurrency_) {
        const auto held_for = std::chrono::steady_clock::now() - waiting_.front().since;
        if (away && held_for < patience(parked_when_held_for)) break;
        auto next = std::move(waiting_.front());
        waiting_.pop_front();
        jobs_.spawn(work(std::move(next)));
    }
    count();
}

asio::awaitable<void> Intake::mind_the_time() {
    while (true) {
        co_await sleep_for(1s);
        start_jobs();
        const auto now = std::chrono::steady_clock::now();
        for (const auto& [tag, job] : at_work_) {
            if (now - job.since < patience(settled_when_at_work_for) || !parts_.consumer.holds(tag))
                continue;
            if (!job.progress.is_recorded) {
                parts_.consumer.nack(tag, amqp::Requeue::yes);
                continue;
            }
            log::info("job.handed_over", "a long job: from now on the ledger alone remembers it");
            parts_.consumer.ack(tag);
        }
        const auto given_back = std::erase_if(waiting_, [&](const Waiting& waiting) {
            if (now - waiting.since < patience(given_back_when_waiting_for)) return false;
            parts_.consumer.nack(waiting.delivery.tag, amqp::Requeue::yes);
            return true;
        });
        if (given_back > 0) count();
    }
}

bool Intake::stuck() const {
    return (jobs_.running() > 0 || !waiting_.empty()) && !stopped_ && !parts_.surroundings.away() &&
           std::chrono::steady_clock::now() - last_end_ > stuck_after;
}

asio::awaitable<void> Intake::work(Waiting taken) {
    auto delivery = std::move(taken.delivery);
    struct Entry {
        std::map<amqp::DeliveryTag, AtWork>& all;
        std::map<amqp::DeliveryTag, AtWork>::iterator mine;
        ~Entry() { all.erase(mine); }
    } entry{at_work_, at_work_.emplace(delivery.tag, AtWork{taken.since, {}}).first};
    failpoint("take");
    const auto began = std::chrono::steady_clock::now();

    auto decoded = delivery.oversized ? std::unexpected{over_long(delivery)}
                                      : events::decode_upload(delivery.message.body,
                                                              delivery.message.content_type);
    const auto upload = [&] {
        auto known = decoded ? std::move(*decoded) : shown_of(decoded.error());
        read_event_headers(delivery.message.headers, known);
        return known;
    }();
    std::optional<warm::Outcome> outcome;
    if (!decoded) {
        outcome = warm::DeadLettered{decoded.error().reason, decoded.error().detail};
    } else if (auto refused = parts_.admission.refuse(upload)) {
        outcome = co_await parts_.warm.refuse(upload, std::move(*refused));
    } else {
        outcome = co_await parts_.warm.run(upload, entry.mine->second.progress);
    }
    parts_.report.job_ended(upload, *outcome, std::chrono::steady_clock::now() - began);

    events::FailedMedia failed;
    if (const auto* dead = std::get_if<warm::DeadLettered>(&*outcome)) {
        failed = decoded ? events::failed_media(upload, dead->reason, dead->detail, dead->attempts)
                         : events::failed_media(decoded.error());
    }
    co_await parts_.settle.apply(std::move(delivery), *outcome, std::move(failed), upload);
    if (const auto* dead = std::get_if<warm::DeadLettered>(&*outcome))
        co_await parts_.warm.told(*dead);
}

void Intake::give_back_waiting() {
    for (const auto& waiting : waiting_) {
        parts_.consumer.nack(waiting.delivery.tag, amqp::Requeue::yes);
    }
    waiting_.clear();
    count();
}

Task<> Intake::stop() {
    return stop_taking(deadline_in(broker_answers_in));
}

Task<> Intake::stop_taking(Deadline deadline) {
    stopped_ = true;
    auto paused = co_await parts_.consumer.pause(deadline);
    if (stopped_) give_back_waiting();  // Not started again meanwhile.
    co_return paused;
}

Task<> Intake::start() {
    if (closing_) co_return Failure{FailureKind::refused, "the service is stopping"};
    stopped_ = false;
    co_return co_await parts_.consumer.resume(deadline_in(broker_answers_in));
}

asio::awaitable<bool> Intake::drain(Deadline deadline) {
    closing_ = true;
    if (!stopped_) (void)co_await stop_taking(std::min(deadline, deadline_in(broker_lets_go_in)));
    co_return co_await jobs_.join(deadline);
}

std::size_t Intake::jobs_at_work() const {
    return jobs_.running() - std::min(jobs_.running(), parts_.waiting_for_telegram());
}

void Intake::count() const {
    parts_.metrics.set_jobs_in_flight(jobs_at_work(), concurrency_);
    parts_.metrics.set_deliveries_buffered(waiting_.size());
}

}  // namespace prewarm
