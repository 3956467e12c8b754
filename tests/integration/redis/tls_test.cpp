#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>

#include "tests/integration/redis/redis_test.hpp"
#include "tests/support/redis_server.hpp"

namespace prewarm::redis {
namespace {

using test::is_string;

/// An authority that the program trusts, and certificates of its making.
class TlsTest : public test::RedisTest {
protected:
    TlsTest() {
        std::filesystem::create_directory(folder);
        sh("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority"
           " -keyout ca.key -out ca.crt");
        setenv("SSL_CERT_FILE", (folder / "ca.crt").c_str(), 1);
    }
    ~TlsTest() override {
        unsetenv("SSL_CERT_FILE");
        std::filesystem::remove_all(folder);
    }

    /// A server that says it is `name` (`DNS:localhost`, `IP:127.0.0.1`).
    std::unique_ptr<test::RedisServer> server_named(const std::string& subject) {
        sh("openssl req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr"
           " && printf 'subjectAltName=" +
           subject +
           "' > names"
           " && openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2"
           " -extfile names -out server.crt");
        return std::make_unique<test::RedisServer>(std::vector<std::string>{
            "--tls-cert-file", folder / "server.crt", "--tls-key-file", folder / "server.key",
            "--tls-ca-cert-file", folder / "ca.crt", "--tls-auth-clients", "no"});
    }

    Address secure(const std::string& host, const test::RedisServer& server) {
        auto address = at(server.port());
        address.tls = true;
        address.host = host;
        return address;
    }

    void expect_misconfigured(const Address& address) {
        run(address, {}, [&](Connection& redis) -> asio::awaitable<void> {
            const auto refused = co_await redis.command({"PING"});
            EXPECT_FALSE(refused);
            EXPECT_EQ(refused.error().kind, FailureKind::misconfigured);
            EXPECT_THAT(refused.error().detail, testing::HasSubstr("certificate verify failed"));
        });
    }

    void sh(const std::string& command) const {
        const auto all = "cd " + folder.string() + " && (" + command + ") >log 2>&1";
        if (std::system(all.c_str()) != 0) throw std::runtime_error{"failed: " + command};
    }

    std::filesystem::path folder = std::filesystem::temp_directory_path() / test::random_name();
};

TEST_F(TlsTest, SpeaksToAServerThatItTrusts) {
    const auto server = server_named("DNS:localhost,IP:127.0.0.1");
    for (const auto* host : {"localhost", "127.0.0.1"}) {
        run(secure(host, *server), {}, [&](Connection& redis) -> asio::awaitable<void> {
            EXPECT_TRUE(is_string(co_await redis.command({"ECHO", "hidden"}), "hidden"));
            std::vector<Command> many(5000, Command{"ECHO", std::string(1000, 'x')});
            EXPECT_EQ((co_await redis.pipeline(many)).value().size(), 5000U);
        });
    }
}

TEST_F(TlsTest, RefusesAServerOfAnotherName) {
    const auto server = server_named("DNS:elsewhere.example");
    expect_misconfigured(secure("localhost", *server));
}

TEST_F(TlsTest, RefusesAServerThatNobodyVouchesFor) {
    const auto server = server_named("DNS:localhost");
    unsetenv("SSL_CERT_FILE");
    expect_misconfigured(secure("localhost", *server));
}

TEST_F(TlsTest, IsUnavailableWhereNobodySpeaksTls) {
    const test::RedisServer plain;
    ConnectionOptions hasty;
    hasty.command_timeout = std::chrono::milliseconds{100};
    run(secure("localhost", plain), hasty, [&](Connection& redis) -> asio::awaitable<void> {
        EXPECT_EQ((co_await redis.command({"PING"})).error().kind, FailureKind::unavailable);
    });
}

}  // namespace
}  // namespace prewarm::redis
