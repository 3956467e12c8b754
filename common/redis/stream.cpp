#include "common/redis/stream.hpp"

#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace prewarm::redis {
namespace {

using boost::system::error_code;

Failure failure_of(const error_code& error, std::string_view doing) {
    // Ours to end: it is no news of Redis.
    if (error == asio::error::operation_aborted) throw boost::system::system_error{error};
    const bool untrusted = error.category() == asio::error::get_ssl_category() &&
                           ERR_GET_REASON(static_cast<unsigned long>(error.value())) ==
                               SSL_R_CERTIFICATE_VERIFY_FAILED;
    return Failure{untrusted ? FailureKind::misconfigured : FailureKind::unavailable,
                   "Redis: " + std::string{doing} + ": " + error.message()};
}

std::string name_of(const Address& address) {
    return address.host + ':' + address.port;
}

}  // namespace

Task<> Stream::open(const Address& address) {
    error_code failed;
    asio::ip::tcp::resolver resolver{socket_.get_executor()};
    const auto found = co_await resolver.async_resolve(
        address.host, address.port, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return failure_of(failed, "looking up " + name_of(address));

    co_await asio::async_connect(socket_, found, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return failure_of(failed, "connecting to " + name_of(address));

    socket_.set_option(asio::ip::tcp::no_delay{true}, failed);
    socket_.set_option(asio::socket_base::keep_alive{true}, failed);
    if (!address.tls) co_return Result<>{};
    co_return co_await secure(address);
}

Task<> Stream::secure(const Address& address) {
    error_code failed;
    context_.emplace(asio::ssl::context::tls_client);
    context_->set_default_verify_paths();
    context_->set_verify_mode(asio::ssl::verify_peer);
    context_->set_verify_callback(asio::ssl::host_name_verification{address.host});
    SSL_CTX_set_min_proto_version(context_->native_handle(), TLS1_2_VERSION);
    tls_.emplace(socket_, *context_);
    asio::ip::make_address(address.host, failed);
    if (failed) SSL_set_tlsext_host_name(tls_->native_handle(), address.host.c_str());

    co_await tls_->async_handshake(asio::ssl::stream_base::client,
                                   asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return failure_of(failed, "TLS with " + name_of(address));
    co_return Result<>{};
}

Task<std::size_t> Stream::read_some(std::span<char> into) {
    error_code failed;
    const auto buffer = asio::buffer(into.data(), into.size());
    auto done = asio::redirect_error(asio::use_awaitable, failed);
    const auto size = tls_ ? co_await tls_->async_read_some(buffer, done)
                           : co_await socket_.async_read_some(buffer, done);
    if (failed) co_return failure_of(failed, "the connection was lost");
    co_return size;
}

Task<> Stream::write(std::string_view bytes) {
    error_code failed;
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    auto done = asio::redirect_error(asio::use_awaitable, failed);
    if (tls_) {
        co_await asio::async_write(*tls_, buffer, done);
    } else {
        co_await asio::async_write(socket_, buffer, done);
    }
    if (failed) co_return failure_of(failed, "the connection was lost");
    co_return Result<>{};
}

void Stream::close() {
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace prewarm::redis
