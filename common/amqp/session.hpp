/// The inside of a connection: its handshake, its three loops, and its channels.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/amqp/channel_core.hpp"
#include "common/amqp/codec.hpp"
#include "common/amqp/connection.hpp"
#include "common/amqp/transport.hpp"

namespace prewarm::amqp {

/// Kept alive by its own coroutines, which end when the connection is lost or dropped. That is why
/// they are spawned here and not in a TaskGroup: a connection may be let go of at any time, also by
/// an exception, when nothing can be waited for.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(asio::any_io_executor executor, std::unique_ptr<Transport> transport);

    /// Brings the connection up: after it frames can be exchanged. Cancellable.
    Task<> shake_hands(BrokerAddress address, std::string name, std::chrono::seconds heartbeat);
    /// Starts the coroutines that read, write and watch.
    void start();

    Task<std::shared_ptr<Channel>> open_channel(Deadline deadline);
    Task<> close(Deadline deadline);
    /// Ends everything at once; the first reason counts.
    void fail(Failure why);
    const std::optional<Failure>& lost() const { return lost_; }
    asio::awaitable<void> wait_lost();

    Result<> send(std::uint16_t channel, amqp_method_number_t method, const void* fields);
    Result<> send(std::uint16_t channel, const amqp_basic_publish_t& publish,
                  const Message& message);
    void forget(std::uint16_t channel) { channels_.erase(channel); }

    bool blocked() const { return blocked_; }
    void on_blocked(std::function<void()> told) { on_blocked_ = std::move(told); }
    std::size_t queued_bytes() const { return queued_.size() + writing_.size(); }
    const std::string& broker() const { return broker_; }
    const asio::any_io_executor& executor() const { return executor_; }

private:
    using Clock = std::chrono::steady_clock;

    Task<amqp_frame_t> exchange(amqp_method_number_t method);
    Result<> queue_start_ok(const BrokerAddress& address, const std::string& name);
    Result<> tune(const amqp_connection_tune_t& theirs, std::uint16_t heartbeat);

    void spawn(asio::awaitable<void> loop);
    asio::awaitable<void> read();
    asio::awaitable<void> write();
    asio::awaitable<void> watch_heartbeats();

    void take(std::span<const char> bytes);
    Result<> take(const amqp_frame_t& frame);
    Result<> take_connection_method(const amqp_method_t& method);

    asio::any_io_executor executor_;
    std::unique_ptr<Transport> transport_;
    std::string broker_;
    Decoder decoder_;
    std::optional<Encoder> encoder_;

    std::array<char, 64 * 1024> input_;
    std::span<const char> unread_{};  ///< Of `input_`, during the handshake.
    std::string queued_;
    std::string writing_;
    asio::steady_timer to_write_;
    asio::steady_timer beat_;
    asio::steady_timer lost_timer_;
    std::chrono::milliseconds heartbeat_{};
    Clock::time_point heard_at_;
    Clock::time_point sent_at_;

    std::map<std::uint16_t, std::shared_ptr<ChannelCore>> channels_;
    std::uint16_t channel_max_ = 0;
    bool blocked_ = false;
    std::function<void()> on_blocked_;
    std::optional<Failure> lost_;
};

}  // namespace prewarm::amqp
