/// What consumer and publisher share: a connection that comes back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

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

}  // namespace prewarm::amqp
