/// A connection to RabbitMQ: librabbitmq is the codec, Asio the transport, TCP or TLS.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "common/amqp/broker_url.hpp"
#include "common/amqp/channel.hpp"
#include "common/base/failure.hpp"
#include "common/runtime/deadline.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::amqp {

struct ConnectionOptions {
    std::vector<BrokerAddress> brokers;  ///< Tried in turn, from a random one on.
    std::string name;                    ///< Shown to operators by the broker.
    /// For one broker: resolve, connect, TLS and the whole handshake.
    std::chrono::milliseconds connect_timeout{5000};
    /// Asked for; the broker may want less. A silent peer is given up after two of these.
    std::chrono::seconds heartbeat{10};
};

class Session;

/// One connection, from its handshake to its loss: it does not come back by itself (see
/// consumer.hpp and publisher.hpp for what does). Lives on one loop's thread.
///
/// Publish and consume on separate connections: in an alarm the broker stops reading all of a
/// connection that has published, acknowledgements included.
///
/// Letting go of it without `close()` drops the connection; what was queued is not sent any more.
class Connection {
public:
    /// A connection that is ready for channels. When no broker could be reached: `unavailable`, or
    /// `misconfigured` when one of them refused our name, password or vhost, or TLS showed another
    /// identity than expected.
    static Task<std::unique_ptr<Connection>> open(ConnectionOptions options);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    Task<std::shared_ptr<Channel>> open_channel(Deadline deadline);

    /// Waits until the connection is gone and says why.
    asio::awaitable<Failure> lost();
    bool is_open() const;

    /// What was queued is sent first. Afterwards the connection is gone, whether or not the broker
    /// answered in time.
    Task<> close(Deadline deadline);

    /// The broker is in an alarm: it reads nothing from this connection until the alarm ends.
    bool blocked() const;
    /// Called on the loop when `blocked()` has changed; not after the connection is lost.
    void on_blocked(std::function<void()> told);
    /// Bytes not yet handed to the kernel.
    std::size_t queued_bytes() const;
    std::string broker() const;  ///< `host:port`

private:
    explicit Connection(std::shared_ptr<Session> session);
    std::shared_ptr<Session> session_;
};

}  // namespace prewarm::amqp
