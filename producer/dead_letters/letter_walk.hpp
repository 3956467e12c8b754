/// The dead letters' queue, looked through from its front without taking anything away.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/amqp/connection.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::producer {

namespace asio = boost::asio;

/// Hands out what was ready in a queue when it began, each message once (but see `longest_hold`),
/// and holds it unacknowledged until it is removed or given back: nobody else sees it meanwhile.
/// For a walk that ends in any other way the broker gives everything back itself.
///
/// Being handed out is counted by a quorum queue, whatever happens then. One loop's thread; the
/// connection must outlive it.
class LetterWalk {
public:
    struct Options {
        std::string queue;
        /// Most that may be handed to this process and not be kept or removed yet.
        std::uint16_t window = 2000;
        /// Larger bodies are skipped: see amqp::Delivery::oversized.
        std::size_t largest_body = 0;
        /// What is kept goes back after this, to be handed out and counted once more: RabbitMQ
        /// takes back by force, on its own terms, what is held for half an hour.
        std::chrono::steady_clock::duration longest_hold = std::chrono::minutes{15};
    };

    LetterWalk(asio::any_io_executor executor, amqp::Connection& connection, Options options);

    /// Looks how many there are. `refused` when there is no such queue.
    Task<> begin();
    std::uint64_t waiting() const { return at_first_; }  ///< When it began.

    /// The next one; nothing when all were handed out, or others took the rest. Each of them is to
    /// be kept or removed, or the walk stops when the window is full.
    Task<std::optional<amqp::Delivery>> next();

    /// Holds it until it is given back.
    void keep(amqp::DeliveryTag tag);
    /// It leaves the queue.
    void remove(amqp::DeliveryTag tag);
    /// `next` ends with nothing, now and from now on.
    void stop();

    /// Ends the walk: what was not removed goes back, these before all others, and the broker has
    /// acted on it before this ends (unless others took messages meanwhile).
    Task<> give_back(std::span<const amqp::DeliveryTag> first = {});

private:
    struct Lane {  ///< A channel, with what is kept on it.
        std::shared_ptr<amqp::Channel> channel;
        std::vector<std::uint64_t> kept{};
        std::chrono::steady_clock::time_point kept_since{};
    };

    void give_back_what_is_held_long();
    Task<> open_lane();
    Task<> consume();
    Task<> stop_consuming();
    Task<bool> is_empty();
    Failure hands_out_nothing() const;
    Task<> until_ready(std::uint64_t messages);
    Task<amqp::QueueState> look_at_queue();
    void lose(Failure why);

    amqp::Connection& connection_;
    Options options_;
    asio::steady_timer changed_;
    std::uint64_t at_first_ = 0;  ///< Messages that were there when it began.
    std::uint64_t waiting_ = 0;   ///< Likewise, and what was given back on the way.
    std::uint64_t handed_out_ = 0;
    std::uint64_t removed_ = 0;
    bool stopped_ = false;
    std::optional<Failure> lost_;
    std::deque<amqp::Delivery> arrived_;
    std::string consumer_;         ///< On the last lane; empty when there is none.
    std::uint64_t consumers_ = 0;  ///< So far.
    std::size_t window_used_ = 0;  ///< What is kept of this consumer's.
    std::vector<Lane> lanes_;      // Last: its channels call back.
};

}  // namespace prewarm::producer
