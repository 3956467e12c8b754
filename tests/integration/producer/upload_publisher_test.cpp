#include "producer/upload_publisher.hpp"

#include <set>
#include <vector>

#include <boost/url.hpp>

#include "producer/side_by_side.hpp"
#include "tests/integration/producer/prewarmctl_fixture.hpp"
#include "tests/support/fault_gate.hpp"

namespace prewarm::producer {
namespace {

class UploadPublisherTest : public PrewarmctlTest {
protected:
    UploadPublisherTest() { make_topology(); }

    BrokerConfig through_the_gate() const {
        boost::urls::url url{test::required_variable("RABBITMQ_URL")};
        url.set_port_number(gate.port());
        return {.brokers = must(amqp::parse_broker_urls(Secret{url.buffer()})), .names = names};
    }

    Upload upload(const std::string& event_id) const {
        Upload upload;
        upload.event_id = event_id;
        upload.media = {.bot_slug = bot, .sha256 = sha256_of(event_id), .kind = MediaKind::photo};
        upload.r2_key = "a.jpg";
        return upload;
    }

    test::FaultGate gate{boost::urls::url{test::required_variable("RABBITMQ_URL")}.port_number()};
    Runner runner;
    UploadPublisher publisher{runner, through_the_gate(), "test"};
};

TEST_F(UploadPublisherTest, SendsAgainWhatALostConnectionLeftUnconfirmed) {
    const auto publish = [&](Upload event) -> asio::awaitable<void> {
        const auto published = co_await publisher.publish(std::move(event));
        EXPECT_TRUE(published) << published.error().detail;
    };
    const auto lose_the_connection = [&]() -> asio::awaitable<void> {
        gate.shut();
        gate.open();
        co_return;
    };
    const auto work = [&]() -> asio::awaitable<ExitStatus> {
        must(co_await publisher.connect());
        co_await publish(upload("before"));
        gate.freeze();  // It is sent, and cannot be confirmed any more.
        std::vector<asio::awaitable<void>> tasks;
        tasks.push_back(publish(upload("during")));
        tasks.push_back(lose_the_connection());
        co_await side_by_side(std::move(tasks));
        co_await publish(upload("after"));
        co_await publisher.close();
        co_return ExitStatus::success;
    };
    EXPECT_EQ(runner.run(work()), ExitStatus::success);

    std::set<std::string> ids;
    for (const auto& message : queued())
        ids.insert(message.message_id);
    EXPECT_THAT(ids, testing::ElementsAre("after", "before", "during"));
}

TEST_F(UploadPublisherTest, DoesNotWaitForABrokerThatWasAwayFromTheStart) {
    gate.shut();
    const auto work = [&]() -> asio::awaitable<ExitStatus> {
        const auto connected = co_await publisher.connect();
        EXPECT_FALSE(connected);
        const auto published = co_await publisher.publish(upload("e"));
        EXPECT_FALSE(published);
        EXPECT_EQ(published.error().kind, FailureKind::unavailable);
        co_await publisher.close();
        co_return ExitStatus::success;
    };
    EXPECT_EQ(runner.run(work()), ExitStatus::success);
}

}  // namespace
}  // namespace prewarm::producer
