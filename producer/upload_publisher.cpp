#include "producer/upload_publisher.hpp"

#include <chrono>
#include <string>
#include <tuple>
#include <utility>

#include "common/topology/upload_message.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

// A broker answers within milliseconds; this is for one that is just electing a leader.
constexpr auto confirm_time = 15s;
constexpr auto farewell = 5s;

}  // namespace

UploadPublisher::UploadPublisher(Runner& runner, const BrokerConfig& broker,
                                 std::string_view command)
    : runner_{runner},
      connection_{broker.connection(command)},
      names_{broker.names},
      publisher_{runner.executor(), {.connection = connection_}} {}

Task<> UploadPublisher::connect() {
    auto tried = co_await amqp::Connection::open(connection_);
    if (!tried) {
        away_ = tried.error();
        co_return tried.error();
    }
    std::ignore = co_await (*tried)->close(deadline_in(farewell));
    away_.reset();
    runner_.beside().spawn(publisher_.run());
    co_return Result<>{};
}

Task<> UploadPublisher::publish(Upload upload) {
    if (away_) co_return *away_;
    const auto message = topology::upload_message(upload, "prewarmctl");
    const auto deadline = deadline_in(confirm_time);
    for (;;) {
        auto published = co_await publisher_.publish(names_.upload_exchange, names_.upload_key,
                                                     message, amqp::Mandatory::yes, deadline);
        const bool lost = !published && published.error().kind == FailureKind::unavailable;
        if (!lost) co_return published;
        if (std::chrono::steady_clock::now() >= deadline) {
            away_ = published.error();
            co_return published;
        }
        // The connection went while the answer was outstanding: it is made again, and the same
        // event sent twice does no harm.
    }
}

asio::awaitable<void> UploadPublisher::close() {
    if (!away_) std::ignore = co_await publisher_.close(deadline_in(farewell));
}

}  // namespace prewarm::producer
