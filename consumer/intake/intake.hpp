/// Takes events from the queue and keeps N jobs at work.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>

#include "common/amqp/consumer.hpp"
#include "common/metrics/registry.hpp"
#include "common/runtime/task_group.hpp"
#include "consumer/intake/admission.hpp"
#include "consumer/intake/report.hpp"
#include "consumer/intake/settle.hpp"
#include "consumer/warm/warm_media.hpp"

namespace prewarm {

/// Deliveries wait here, oldest first, until one of `concurrency` jobs is free. While a dependency
/// is away none is begun, and with as many held as the broker gives no more come. What is referred
/// to outlives it; one loop's thread. `drain` before it is destroyed.
class Intake {
public:
    struct Parts {
        amqp::Consumer& consumer;
        warm::WarmMedia& warm;
        const warm::Surroundings& surroundings;
        Settle& settle;
        const Admission& admission;
        Report& report;
        metrics::Registry& metrics;
        /// Jobs that wait for Telegram's turn: they are not at work.
        std::function<std::size_t()> waiting_for_telegram;
    };

    /// Larger messages are dead-lettered by the broker, without a reason: what is held here is
    /// bounded even when somebody floods the queue.
    static constexpr std::size_t largest_body_bytes = 4 * 1024 * 1024;

    Intake(asio::any_io_executor executor, Parts parts, std::size_t concurrency);

    /// Takes deliveries and starts jobs, until cancelled or the consumer is closed.
    asio::awaitable<void> run();

    /// Sees to what has been held for long, until cancelled. The broker takes back a delivery that
    /// is not settled within its consumer_timeout (30 min), and counts it:
    /// - what waits here while a dependency is away is parked in the ledger after a minute, so that
    ///   an instance which can work on it gets it;
    /// - what waits here behind long jobs for fifteen goes back to the queue;
    /// - a job at work for longer than fifteen is acknowledged if the ledger has it, and its event
    ///   goes back if it has not.
    asio::awaitable<void> mind_the_time();

    /// Starts what may be started: to be called when `surroundings` have changed.
    void start_jobs();

    /// Takes no more, and gives back what has not been started; jobs at work go on. Idempotent.
    Task<> stop();
    Task<> start();
    bool stopped() const { return stopped_; }

    /// Stops for good. True once no job is at work, false if some still are at the deadline.
    asio::awaitable<bool> drain(Deadline deadline);
    /// Interrupts the jobs at work: each gives its lease and its delivery back.
    void cancel_jobs() { jobs_.cancel_all(); }

    /// Those that wait for Telegram's turn are left out.
    std::size_t jobs_at_work() const;
    bool is_idle() const { return jobs_.running() == 0; }
    std::size_t concurrency() const { return concurrency_; }

    /// Nothing has ended for so long that something must hang: there is work, nothing that it
    /// needs is away, and a job has a time limit.
    bool stuck() const;

private:
    using Time = std::chrono::steady_clock::time_point;

    struct Waiting {
        amqp::Delivery delivery;
        Time since;
    };
    struct AtWork {
        Time since;
        warm::Progress progress;
    };

    asio::awaitable<void> work(Waiting taken);
    Task<> stop_taking(Deadline deadline);
    void give_back_waiting();
    void count() const;

    Parts parts_;
    std::size_t concurrency_;
    std::deque<Waiting> waiting_;
    std::map<amqp::DeliveryTag, AtWork> at_work_;
    TaskGroup jobs_;
    Time last_end_;
    bool stopped_ = false;
    bool closing_ = false;
};

}  // namespace prewarm
