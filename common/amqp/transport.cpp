#include "common/amqp/transport.hpp"

#include <string>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "common/runtime/wait.hpp"

namespace prewarm::amqp {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

Failure away(const std::string& what, const error_code& error) {
    return {FailureKind::unavailable, what + ": " + error.message()};
}

/// What a lookup leaves behind, for whoever still waits for it.
struct Lookup {
    explicit Lookup(const asio::any_io_executor& executor)
        : resolver{executor}, done{never(executor)} {}
    tcp::resolver resolver;
    asio::steady_timer done;
    bool answered = false;
    error_code error;
    tcp::resolver::results_type found;
};

Task<tcp::resolver::results_type> look_up(std::string host, std::uint16_t port) {
    const auto executor = co_await asio::this_coro::executor;
    error_code is_name;
    const auto numeric = asio::ip::make_address(host, is_name);
    if (!is_name) {
        co_return tcp::resolver::results_type::create(tcp::endpoint{numeric, port}, host,
                                                      std::to_string(port));
    }
    // getaddrinfo cannot be interrupted, for half a minute at worst: whoever is cancelled goes,
    // and the answer finds nobody.
    auto lookup = std::make_shared<Lookup>(executor);
    lookup->resolver.async_resolve(
        host, std::to_string(port),
        [lookup](const error_code& error, tcp::resolver::results_type found) {
            lookup->answered = true;
            lookup->error = error;
            lookup->found = std::move(found);
            lookup->done.cancel();
        });
    while (!lookup->answered)
        co_await wake_up(lookup->done);
    if (lookup->error) co_return away("its name cannot be resolved", lookup->error);
    co_return lookup->found;
}

bool is_certificate_trouble(const error_code& error) {
    return error.category() == asio::error::get_ssl_category() &&
           ERR_GET_REASON(static_cast<unsigned long>(error.value())) ==
               SSL_R_CERTIFICATE_VERIFY_FAILED;
}

}  // namespace

Transport::Tls::Tls(Plain socket)
    : context{asio::ssl::context::tls_client}, stream{std::move(socket), context} {}

Task<std::unique_ptr<Transport>> Transport::connect(BrokerAddress address) {
    auto found = co_await look_up(address.host, address.port);
    if (!found) co_return found.error();

    tcp::socket socket{co_await asio::this_coro::executor};
    error_code error;
    co_await asio::async_connect(socket, *found, asio::redirect_error(asio::use_awaitable, error));
    co_await throw_if_cancelled();
    if (error) co_return away("cannot connect", error);
    // Frames are gathered before they are written: nothing is gained by waiting for more.
    socket.set_option(tcp::no_delay{true}, error);

    std::unique_ptr<Transport> transport{new Transport{std::move(socket)}};
    if (address.tls) {
        auto secured = co_await transport->secure(address.host);
        if (!secured) co_return secured.error();
    }
    co_return transport;
}

Task<> Transport::secure(std::string host) {
    auto tls = std::make_unique<Tls>(std::move(std::get<Plain>(stream_)));
    error_code error;
    tls->context.set_default_verify_paths(error);
    if (error) co_return away("the system's root certificates cannot be read", error);
    tls->stream.set_verify_mode(asio::ssl::verify_peer);
    tls->stream.set_verify_callback(asio::ssl::host_name_verification{host});
    error_code is_name;
    asio::ip::make_address(host, is_name);
    if (is_name) SSL_set_tlsext_host_name(tls->stream.native_handle(), host.c_str());

    auto& stream = tls->stream;
    stream_ = std::move(tls);
    co_await stream.async_handshake(asio::ssl::stream_base::client,
                                    asio::redirect_error(asio::use_awaitable, error));
    co_await throw_if_cancelled();
    if (is_certificate_trouble(error)) {
        co_return Failure{FailureKind::misconfigured,
                          "its certificate is not made out to " + host +
                              ", or signed by nobody this system trusts: " + error.message()};
    }
    if (error) co_return away("TLS cannot be agreed on", error);
    co_return Result<>{};
}

asio::awaitable<std::size_t> Transport::read_some(asio::mutable_buffer into, error_code& error) {
    if (auto* plain = std::get_if<Plain>(&stream_)) {
        co_return co_await plain->async_read_some(into,
                                                  asio::redirect_error(asio::use_awaitable, error));
    }
    co_return co_await std::get<1>(stream_)->stream.async_read_some(
        into, asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<void> Transport::write(asio::const_buffer bytes, error_code& error) {
    if (auto* plain = std::get_if<Plain>(&stream_)) {
        co_await asio::async_write(*plain, bytes, asio::redirect_error(asio::use_awaitable, error));
    } else {
        co_await asio::async_write(std::get<1>(stream_)->stream, bytes,
                                   asio::redirect_error(asio::use_awaitable, error));
    }
}

void Transport::close() {
    error_code ignored;
    if (auto* plain = std::get_if<Plain>(&stream_)) {
        plain->close(ignored);
    } else {
        std::get<1>(stream_)->stream.next_layer().close(ignored);
    }
}

}  // namespace prewarm::amqp
