/// Takes events from the queue and keeps N jobs at work.
#pragma once

#include <cstddef>
#include <deque>

#include "common/amqp/consumer.hpp"
#include "common/metrics/registry.hpp"
#include "common/runtime/task_group.hpp"
#include "consumer/intake/admission.hpp"
#include "consumer/intake/report.hpp"
#include "consumer/intake/settle.hpp"
#include "consumer/warm/warm_media.hpp"

namespace prewarm {

/// Deliveries wait here, oldest first, until one of `concurrency` jobs is free. What is referred
/// to outlives it; one loop's thread. `drain` before it is destroyed.
class Intake {
public:
    struct Parts {
        amqp::Consumer& consumer;
        warm::WarmMedia& warm;
        Settle& settle;
        const Admission& admission;
        Report& report;
        metrics::Registry& metrics;
    };

    /// Larger messages are dead-lettered by the broker, without a reason: what is held here is
    /// bounded even when somebody floods the queue.
    static constexpr std::size_t largest_body_bytes = 4 * 1024 * 1024;

    Intake(asio::any_io_executor executor, Parts parts, std::size_t concurrency);

    /// Takes deliveries and starts jobs, until cancelled or the consumer is closed.
    asio::awaitable<void> run();

    /// Takes no more, and gives back what has not been started; jobs at work go on. Idempotent.
    Task<> stop();
    Task<> start();
    bool stopped() const { return stopped_; }

    /// Stops for good. True once no job is at work, false if some still are at the deadline.
    asio::awaitable<bool> drain(Deadline deadline);
    /// Interrupts the jobs at work: each gives its lease and its delivery back.
    void cancel_jobs() { jobs_.cancel_all(); }

    std::size_t jobs_at_work() const { return jobs_.running(); }
    std::size_t concurrency() const { return concurrency_; }

private:
    asio::awaitable<void> work(amqp::Delivery delivery);
    asio::awaitable<void> postpone(amqp::Delivery delivery, std::chrono::milliseconds wait);
    void start_jobs();
    void give_back_waiting();
    void count() const;

    Parts parts_;
    std::size_t concurrency_;
    std::deque<amqp::Delivery> waiting_;
    TaskGroup jobs_;
    TaskGroup postponed_;  ///< Deliveries that wait for somebody else to finish; no slot is held.
    bool stopped_ = false;
    bool closing_ = false;
};

}  // namespace prewarm
