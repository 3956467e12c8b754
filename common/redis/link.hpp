/// One stream to Redis, from its connecting to its loss.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/redis/codec.hpp"
#include "common/redis/connection.hpp"
#include "common/redis/stream.hpp"

namespace prewarm::redis {

/// Those who wait for the replies to their commands. It stays in line when nobody waits any more,
/// so that its replies are not taken for another's.
struct Waiting {
    Waiting(asio::any_io_executor executor, std::size_t commands)
        : expected{commands}, ended{executor, asio::steady_timer::time_point::max()} {}

    std::size_t expected;
    std::vector<Reply> replies;
    std::optional<Failure> failure;
    asio::steady_timer ended;  ///< Cancelled when all replies are there, or the failure.

    bool answered() const { return replies.size() == expected; }
};

class Link {
public:
    Link(asio::any_io_executor executor, const Address& address, const ConnectionOptions& options);

    /// Connects and logs in. Then it is open, or has failed.
    asio::awaitable<void> connect();

    /// Both go on, side by side, until the stream is lost.
    asio::awaitable<void> read();
    asio::awaitable<void> write();

    /// Takes commands, before the stream is open, too.
    std::shared_ptr<Waiting> send(const std::vector<Command>& commands);

    /// Gives the stream up. Only the first failure counts.
    void fail(Failure failure);

    bool is_open() const { return open_ && !failure_; }
    const std::optional<Failure>& failure() const { return failure_; }
    std::size_t waiting_bytes() const { return unsent_.size(); }

private:
    Task<> open();
    Task<> log_in();
    Task<Reply> read_reply();

    asio::any_io_executor executor_;
    Address address_;
    ConnectionOptions options_;
    Stream stream_;
    ReplyReader replies_;
    std::array<char, 16384> bytes_{};
    std::string unsent_;
    asio::steady_timer something_to_send_;
    std::deque<std::shared_ptr<Waiting>> line_;  ///< In the order of their commands.
    bool open_ = false;
    std::optional<Failure> failure_;
};

}  // namespace prewarm::redis
