/// A TCP connection, in TLS or not.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "common/redis/address.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::redis {

/// One read and one write may be under way at a time. Failures are `unavailable`, but a
/// certificate that is not to be trusted is `misconfigured`. Whom to trust is the system's choice
/// (SSL_CERT_FILE changes it).
class Stream {
public:
    explicit Stream(asio::any_io_executor executor) : socket_{executor} {}

    /// Looks the host up, connects to the first of its addresses that lets us, and shakes hands.
    Task<> open(const Address& address);

    Task<std::size_t> read_some(std::span<char> into);
    Task<> write(std::string_view bytes);  ///< All of them.

    /// What is under way ends as cancelled.
    void close();

private:
    Task<> secure(const Address& address);

    asio::ip::tcp::socket socket_;
    std::optional<asio::ssl::context> context_;
    std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
};

}  // namespace prewarm::redis
