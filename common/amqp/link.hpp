/// What consumer and publisher share: a connection that comes back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/amqp/connection.hpp"

namespace prewarm::amqp {

enum class LinkState : std::uint8_t {
    connecting,  ///< First or again; between two tries as well.
    ready,       ///< Registered: consuming, or publishing with confirms.
    paused,      ///< A consumer that was told to take nothing.
    closed,      ///< Ended by us.
};

std::string_view name_of(LinkState state);

struct LinkStatus {
    LinkState state = LinkState::connecting;
    std::chrono::steady_clock::time_point since;
    bool blocked = false;      ///< The broker is in an alarm and takes no publishes.
    std::string broker;        ///< `host:port`; empty while there is none.
    std::string last_failure;  ///< Why it was lost, or could not be made; empty before the first.
};

struct LinkOptions {
    ConnectionOptions connection;

    /// Run on every new connection before anything else, to check the topology. A failure of it
    /// counts as a failed try. Empty: nothing to check.
    std::function<Task<>(Connection&)> on_connected{};
    /// Told of every change of state and of `blocked`. Called on the loop; must not throw.
    std::function<void(const LinkStatus&)> on_change{};

    /// Tries are spaced by a random time between zero and a bound that doubles from the first of
    /// these to the second (full jitter), so that instances do not come back all at once.
    std::chrono::milliseconds backoff{100};
    std::chrono::milliseconds backoff_max{3000};
};

/// Makes a connection, has it served, and begins again when it is lost: endlessly. One loop's
/// thread; `run()` must have ended before it is destroyed.
class Link {
public:
    /// Sets up what is needed on a new connection, says so with `report()`, and returns with the
    /// reason once it is of no use any more. The connection is dropped then.
    using Serve = std::function<asio::awaitable<Failure>(Connection&)>;

    Link(asio::any_io_executor executor, LinkOptions options, Serve serve);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    asio::awaitable<void> run();
    /// Sends what is queued, closes the connection and ends `run()`.
    Task<> close(Deadline deadline);
    bool closed() const { return status_.state == LinkState::closed; }

    void report(LinkState state);
    /// No longer of use, or not yet again.
    void report_trouble(const Failure& why);

    const LinkStatus& status() const { return status_; }
    Connection* connection() const { return connection_; }  ///< Null while there is none.

private:
    asio::awaitable<void> keep();
    asio::awaitable<Failure> attend(Connection& connection);
    void tell();

    asio::any_io_executor executor_;
    LinkOptions options_;
    Serve serve_;
    LinkStatus status_;
    Connection* connection_ = nullptr;
    bool running_ = false;
    asio::steady_timer closing_;
    std::minstd_rand chance_;
};

}  // namespace prewarm::amqp
