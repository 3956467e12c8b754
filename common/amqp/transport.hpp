/// The bytes' way to a broker: TCP, or TLS over it.
#pragma once

#include <cstddef>
#include <memory>
#include <variant>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "common/amqp/broker_url.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::amqp {

class Transport {
public:
    /// With TLS the broker's certificate must be signed by one of the system's roots and be made
    /// out to the host's name. `unavailable`, or `misconfigured` when the certificate is not right.
    /// Cancellable, even while a name is looked up.
    static Task<std::unique_ptr<Transport>> connect(BrokerAddress address);

    /// One read and one write may be under way at once. The error is set instead of thrown, and
    /// kept alive by the caller with the buffer. Both end when `close()` is called.
    asio::awaitable<std::size_t> read_some(asio::mutable_buffer into,
                                           boost::system::error_code& error);
    asio::awaitable<void> write(asio::const_buffer bytes, boost::system::error_code& error);

    void close();

private:
    using Plain = asio::ip::tcp::socket;
    struct Tls {
        explicit Tls(Plain socket);
        asio::ssl::context context;
        asio::ssl::stream<Plain> stream;
    };

    explicit Transport(Plain socket) : stream_{std::move(socket)} {}
    Task<> secure(std::string host);

    std::variant<Plain, std::unique_ptr<Tls>> stream_;
};

}  // namespace prewarm::amqp
