#include "consumer/policy_watch.hpp"

#include <string>

#include <fmt/format.h>

#include "tests/integration/amqp/broker_test.hpp"
#include "tests/integration/amqp/management.hpp"
#include "tests/integration/topology/remove_topology.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;
using amqp::management;
using amqp::must;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PolicyWatchTest : public amqp::BrokerTest {
protected:
    void SetUp() override {
        run([&](TaskGroup&) -> asio::awaitable<void> {
            auto connection = must(co_await connect());
            must(co_await topology::declare(*connection, names, soon()));
            must(co_await connection->close(soon()));
        });
    }

    void TearDown() override {
        remove_policy();
        if (!encoded_vhost.empty()) management("DELETE", "/vhosts/" + encoded_vhost);
        run([&](TaskGroup&) -> asio::awaitable<void> {
            auto connection = must(co_await connect());
            must(co_await topology::remove(*connection, names, soon()));
            must(co_await connection->close(soon()));
        });
        BrokerTest::TearDown();
    }

    std::string policy_path() const { return "/policies/%2F/" + names.upload_queue; }

    void set_policy(std::string_view queue, std::string_view definition) {
        const auto refused =
            management("PUT", policy_path(),
                       fmt::format(R"({{"pattern":"^{}$","apply-to":"queues","definition":{}}})",
                                   queue, definition));
        ASSERT_EQ(refused, "");
    }
    void remove_policy() { management("DELETE", policy_path()); }

    PolicyWatch watch_at(std::string url) {
        return {loop.get_executor(), parse_management_url(Secret{std::move(url)}).value(), "/",
                names, metrics};
    }
    PolicyWatch watch() { return watch_at(test::required_variable("RABBITMQ_MANAGEMENT_URL")); }

    /// The broker shows a policy some ten seconds after it was set, and a new queue's likewise.
    asio::awaitable<void> look_until_wrong_is(PolicyWatch& watch, std::string_view queue,
                                              int wrong) {
        const auto shown =
            fmt::format(R"(prewarm_queue_policy_wrong{{queue="{}"}} {})", queue, wrong);
        while (!metrics.text().contains(shown)) {
            const auto looked = co_await watch.look();
            if (!looked && looked.error().kind != FailureKind::transient) must(looked);
            co_await sleep_for(500ms);
        }
    }

    topology::Names names{test::random_name() + "."};
    metrics::Registry metrics;
    std::string encoded_vhost;  ///< Deleted after the test.
};

TEST_F(PolicyWatchTest, SeesAPolicyThatTurnsAtLeastOnceOffAndThatItIsGone) {
    testing::internal::CaptureStderr();
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto watching = watch();
        co_await look_until_wrong_is(watching, names.upload_queue, 0);
        set_policy(names.upload_queue, R"({"overflow":"drop-head"})");
        co_await look_until_wrong_is(watching, names.upload_queue, 1);
        must(co_await watching.look());
        remove_policy();
        co_await look_until_wrong_is(watching, names.upload_queue, 0);
        must(co_await watching.look());
    });
    const std::string log = testing::internal::GetCapturedStderr();
    const auto warned = log.find("`overflow` is drop-head by policy `" + names.upload_queue + "`");
    EXPECT_NE(warned, std::string::npos) << log;
    EXPECT_EQ(log.find("`overflow`", warned + 1), std::string::npos) << "told twice:\n" << log;
    EXPECT_THAT(log.substr(warned), HasSubstr("as agreed again"));
}

TEST_F(PolicyWatchTest, SeesAPolicyThatDropsDeadLetters) {
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto watching = watch();
        co_await look_until_wrong_is(watching, names.dead_letter_queue, 0);
        set_policy(names.dead_letter_queue, R"({"message-ttl":86400000})");
        co_await look_until_wrong_is(watching, names.dead_letter_queue, 1);
        co_await look_until_wrong_is(watching, names.upload_queue, 0);
    });
}

TEST_F(PolicyWatchTest, TellsWhyItSeesNothingAndHoldsItsPeace) {
    const auto url = test::required_variable("RABBITMQ_MANAGEMENT_URL");
    run([&](TaskGroup&) -> asio::awaitable<void> {
        auto stranger = watch_at("http://nobody:hunter2" + url.substr(url.find('@')));
        const auto refused = co_await stranger.look();
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(
            refused.error().detail,
            AllOf(HasSubstr("HTTP 401"), HasSubstr("tag `management`"), Not(HasSubstr("hunter2"))));

        auto lost = watch_at("http://u:hunter2@127.0.0.1:1");
        const auto away = co_await lost.look();
        EXPECT_FALSE(away);
        EXPECT_EQ(away.error().kind, FailureKind::unavailable);
        EXPECT_THAT(away.error().detail, Not(HasSubstr("hunter2")));
    });
    EXPECT_THAT(metrics.text(), Not(HasSubstr("prewarm_queue_policy_wrong{")));
}

TEST_F(PolicyWatchTest, FindsAQueueInAVhostWhoseNameNeedsEscapes) {
    const auto vhost = test::random_name() + "/a b?%";
    encoded_vhost = vhost.substr(0, vhost.find('/')) + "%2Fa%20b%3F%25";
    management("PUT", "/vhosts/" + encoded_vhost);
    for (const auto& queue : {names.upload_queue, names.dead_letter_queue}) {
        const auto refused =
            management("PUT", "/queues/" + encoded_vhost + "/" + queue,
                       R"({"durable":true,"arguments":{"x-queue-type":"quorum"}})");
        EXPECT_EQ(refused, "");
    }
    run([&](TaskGroup&) -> asio::awaitable<void> {
        PolicyWatch watching{
            loop.get_executor(),
            parse_management_url(Secret{test::required_variable("RABBITMQ_MANAGEMENT_URL")})
                .value(),
            vhost, names, metrics};
        // Its arguments are not ours.
        co_await look_until_wrong_is(watching, names.upload_queue, 1);
    });
}

}  // namespace
}  // namespace prewarm
