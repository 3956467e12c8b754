#include <cstdlib>
#include <filesystem>

#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <gtest/gtest.h>

#include "common/http/client.hpp"
#include "tests/support/environment.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::http {
namespace {

using namespace std::chrono_literals;
using Tcp = asio::ip::tcp;

/// A TLS server that answers one request, with a certificate of its own for 127.0.0.1.
class TlsTest : public testing::Test {
protected:
    TlsTest() {
        std::filesystem::create_directory(folder);
        const auto make =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
            "-subj /CN=server -addext subjectAltName=IP:127.0.0.1 -keyout " +
            key + " -out " + certificate + " 2>/dev/null";
        if (std::system(make.c_str()) != 0) throw std::runtime_error{"openssl made no certificate"};
    }
    ~TlsTest() override { std::filesystem::remove_all(folder); }

    asio::awaitable<void> serve() {
        asio::ssl::context context{asio::ssl::context::tls_server};
        context.use_certificate_chain_file(certificate);
        context.use_private_key_file(key, asio::ssl::context::pem);
        asio::ssl::stream<Tcp::socket> stream{co_await acceptor.async_accept(asio::use_awaitable),
                                              context};
        try {
            co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
            std::string head;
            co_await asio::async_read_until(stream, asio::dynamic_buffer(head), "\r\n\r\n",
                                            asio::use_awaitable);
            served = true;
            co_await asio::async_write(
                stream, asio::buffer(std::string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}),
                asio::use_awaitable);
        } catch (const boost::system::system_error&) {
            // The client does not trust it.
        }
    }

    Result<ClientResponse> get(ClientOptions options, const std::string& host) {
        Client client{loop.get_executor(), std::move(options)};
        asio::co_spawn(loop, serve(), asio::detached);
        auto port = std::to_string(acceptor.local_endpoint().port());
        return test::run_to_end(loop,
                                client.send({.method = Method::get,
                                             .url = Secret{"https://" + host + ":" + port + "/"},
                                             .what = "test",
                                             .headers = {},
                                             .body = {},
                                             .deadline = deadline_in(60s)},
                                            10));
    }

    asio::io_context loop;
    Tcp::acceptor acceptor{loop, {asio::ip::address_v4::loopback(), 0}};
    bool served = false;
    std::filesystem::path folder = std::filesystem::temp_directory_path() / test::random_name();
    std::string key = folder / "key.pem";
    std::string certificate = folder / "certificate.pem";
};

TEST_F(TlsTest, TalksToAServerThatItTrusts) {
    const auto response = get({.ca_file = certificate}, "127.0.0.1");
    ASSERT_TRUE(response) << response.error().detail;
    EXPECT_EQ(response->body, "ok");
}

TEST_F(TlsTest, SaysNothingToAServerThatNobodyVouchesFor) {
    const auto response = get({}, "127.0.0.1");
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::misconfigured) << response.error().detail;
    EXPECT_FALSE(served);
}

TEST_F(TlsTest, SaysNothingToAServerOfAnotherName) {
    const auto response = get({.ca_file = certificate}, "localhost");
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, FailureKind::misconfigured) << response.error().detail;
    EXPECT_FALSE(served);
}

}  // namespace
}  // namespace prewarm::http
