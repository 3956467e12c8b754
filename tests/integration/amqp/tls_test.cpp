#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include "tests/integration/amqp/broker_test.hpp"

namespace prewarm::amqp {
namespace {

using testing::HasSubstr;
using Tcp = asio::ip::tcp;

/// Ends TLS in front of the broker, with a certificate of its own that is made out to localhost.
class TlsDoor {
public:
    TlsDoor(asio::io_context& loop, std::uint16_t broker_port)
        : loop_{loop},
          broker_{asio::ip::address_v4::loopback(), broker_port},
          acceptor_{loop, {asio::ip::address_v4::loopback(), 0}} {
        const auto make =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
            "-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost "
            "-keyout " +
            key() + " -out " + certificate() + " 2>/dev/null";
        std::filesystem::create_directory(folder_);
        if (std::system(make.c_str()) != 0) throw std::runtime_error{"openssl made no certificate"};
        context_.use_certificate_chain_file(certificate());
        context_.use_private_key_file(key(), asio::ssl::context::pem);
        tasks_.spawn(accept());
    }
    ~TlsDoor() { std::filesystem::remove_all(folder_); }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::string certificate() const { return folder_ / "certificate.pem"; }

    asio::awaitable<void> stop() {
        tasks_.cancel_all();
        co_await tasks_.join(deadline_in(20s));
    }

private:
    using Stream = asio::ssl::stream<Tcp::socket>;

    std::string key() const { return folder_ / "key.pem"; }

    asio::awaitable<void> accept() {
        while (true) {
            auto stream = std::make_shared<Stream>(
                co_await acceptor_.async_accept(asio::use_awaitable), context_);
            tasks_.spawn(serve(std::move(stream)));
        }
    }

    asio::awaitable<void> serve(std::shared_ptr<Stream> near) {
        boost::system::error_code failed;
        co_await near->async_handshake(asio::ssl::stream_base::server,
                                       asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return;
        auto far = std::make_shared<Tcp::socket>(loop_);
        co_await far->async_connect(broker_, asio::use_awaitable);
        far->set_option(Tcp::no_delay{true});
        near->lowest_layer().set_option(Tcp::no_delay{true});
        tasks_.spawn(pass(near, far));
        co_await pass(far, near);
    }

    template <class From, class To>
    static asio::awaitable<void> pass(std::shared_ptr<From> from, std::shared_ptr<To> to) {
        std::array<char, 16384> bytes{};
        boost::system::error_code failed;
        while (!failed) {
            const auto size = co_await from->async_read_some(
                asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failed));
            if (failed) break;
            co_await asio::async_write(*to, asio::buffer(bytes, size),
                                       asio::redirect_error(asio::use_awaitable, failed));
        }
        to->lowest_layer().close(failed);
    }

    asio::io_context& loop_;
    Tcp::endpoint broker_;
    Tcp::acceptor acceptor_;
    asio::ssl::context context_{asio::ssl::context::tls_server};
    TaskGroup tasks_{loop_.get_executor()};
    std::filesystem::path folder_ = std::filesystem::temp_directory_path() / test::random_name();
};

class TlsTest : public BrokerTest {
protected:
    /// `body` with a door open; the system's roots are those in `trusted`.
    template <class Body>
    void run_with_door(bool trusted, Body body) {
        TlsDoor door{loop, connection_options().brokers.front().port};
        // OpenSSL's own name for a file of roots that replaces the system's.
        setenv("SSL_CERT_FILE", trusted ? door.certificate().c_str() : "/dev/null", 1);
        run([&](TaskGroup& group) -> asio::awaitable<void> {
            auto options = link_options();
            options.connection.brokers.front().tls = true;
            options.connection.brokers.front().host = "localhost";
            options.connection.brokers.front().port = door.port();
            std::exception_ptr thrown;
            try {
                co_await body(group, options);
            } catch (...) {
                thrown = std::current_exception();
            }
            co_await door.stop();
            if (thrown) std::rethrow_exception(thrown);
        });
        unsetenv("SSL_CERT_FILE");
    }
};

TEST_F(TlsTest, PublishesAndConsumes) {
    run_with_door(true, [&](TaskGroup& group, LinkOptions options) -> asio::awaitable<void> {
        const auto queue = co_await new_queue();
        auto& publisher = publish(group, options);
        auto consumer_options = consumer_of(queue);
        consumer_options.link = options;
        auto& consumer = consume(group, consumer_options);
        for (int i = 0; i < 50; ++i) {
            Message message;
            message.body = std::string(100'000, static_cast<char>('a' + i % 26));
            must(co_await publisher.publish("", queue, message, Mandatory::yes, soon()));
            auto delivery = must(co_await consumer.next());
            EXPECT_EQ(delivery.message.body, message.body);
            consumer.ack(delivery.tag);
        }
        must(co_await consumer.close(soon()));
        must(co_await publisher.close(soon()));
        co_await until_messages_in(queue, 0);
    });
}

TEST_F(TlsTest, TrustsNobodyTheSystemDoesNot) {
    run_with_door(false, [&](TaskGroup&, LinkOptions options) -> asio::awaitable<void> {
        const auto opened = co_await Connection::open(options.connection);
        EXPECT_FALSE(opened);
        EXPECT_EQ(opened.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(opened.error().detail, HasSubstr("certificate verify failed"));
    });
}

TEST_F(TlsTest, WantsACertificateForTheHostAsked) {
    run_with_door(true, [&](TaskGroup&, LinkOptions options) -> asio::awaitable<void> {
        options.connection.brokers.front().host = "127.0.0.1";
        const auto opened = co_await Connection::open(options.connection);
        EXPECT_FALSE(opened);
        EXPECT_EQ(opened.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(opened.error().detail, HasSubstr("not made out to 127.0.0.1"));
    });
}

TEST_F(TlsTest, IsNotSpokenByAPlainPort) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto options = connection_options();
        options.brokers.front().tls = true;
        const auto opened = co_await Connection::open(options);
        EXPECT_FALSE(opened);
        EXPECT_EQ(opened.error().kind, FailureKind::unavailable);
        EXPECT_THAT(opened.error().detail, HasSubstr("TLS"));
    });
}

}  // namespace
}  // namespace prewarm::amqp
