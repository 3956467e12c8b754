#include "common/amqp/link.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/runtime/backoff.hpp"
#include "common/runtime/deadline.hpp"
#include "common/runtime/wait.hpp"

namespace prewarm::amqp {
namespace {

// A connection that was of use for as long begins with short pauses again. Quick loops of connect,
// consume and drop cost the broker disk space in every quorum queue.
constexpr std::chrono::seconds proven_after{10};

}  // namespace

std::string_view name_of(LinkState state) {
    switch (state) {
        case LinkState::connecting:
            return "connecting";
        case LinkState::ready:
            return "ready";
        case LinkState::paused:
            return "paused";
        case LinkState::closed:
            return "closed";
    }
    return "unknown";
}

Link::Link(asio::any_io_executor executor, LinkOptions options, Serve serve)
    : executor_{executor},
      options_{std::move(options)},
      serve_{std::move(serve)},
      closing_{never(executor)},
      chance_{std::random_device{}()} {
    status_.since = std::chrono::steady_clock::now();
}

Link::~Link() {
    assert(!running_);
}

asio::awaitable<void> Link::run() {
    if (closed()) co_return;
    struct Running {
        bool& flag;
        ~Running() { flag = false; }
    };
    const Running running{running_ = true};
    // Closing ends whatever `keep` is waiting for.
    auto [order, thrown, closing] =
        co_await asio::experimental::make_parallel_group(
            asio::co_spawn(executor_, keep(), asio::deferred), closing_.async_wait(asio::deferred))
            .async_wait(asio::experimental::wait_for_one{}, asio::use_awaitable);
    const bool was_closed = order[0] == 1 && closed();
    if (thrown && !was_closed) std::rethrow_exception(thrown);
}

asio::awaitable<void> Link::keep() {
    unsigned failures = 0;
    while (!closed()) {
        auto opened = co_await Connection::open(options_.connection);
        Failure why{FailureKind::unavailable, {}};
        if (opened) {
            why = co_await attend(**opened);
        } else {
            why = std::move(opened.error());
        }
        if (closed()) co_return;
        const auto lasted = std::chrono::steady_clock::now() - status_.since;
        if (status_.state != LinkState::connecting && lasted > proven_after) failures = 0;
        report_trouble(why);

        const double chance = std::generate_canonical<double, 32>(chance_);
        co_await sleep_for(full_jitter(options_.backoff, options_.backoff_max, failures++, chance));
    }
}

asio::awaitable<Failure> Link::attend(Connection& connection) {
    struct Current {
        Link& link;
        ~Current() {
            link.connection_ = nullptr;
            link.status_.broker.clear();
            link.status_.blocked = false;
        }
    };
    const Current current{*this};
    connection_ = &connection;
    status_.broker = connection.broker();
    connection.on_blocked([this] {
        status_.blocked = connection_->blocked();
        tell();
    });
    if (options_.on_connected) {
        auto checked = co_await options_.on_connected(connection);
        if (!checked) co_return checked.error();
    }
    co_return co_await serve_(connection);
}

Task<> Link::close(Deadline deadline) {
    if (closed()) co_return Result<>{};
    report(LinkState::closed);
    Result<> result;
    if (connection_) result = co_await connection_->close(deadline);
    closing_.cancel();
    co_return result;
}

void Link::report(LinkState state) {
    if (closed() || state == status_.state) return;
    status_.state = state;
    status_.since = std::chrono::steady_clock::now();
    tell();
}

void Link::report_trouble(const Failure& why) {
    if (closed()) return;
    const bool news = why.detail != status_.last_failure;
    status_.last_failure = why.detail;
    if (status_.state != LinkState::connecting) {
        report(LinkState::connecting);
    } else if (news) {
        tell();
    }
}

void Link::tell() {
    if (options_.on_change) options_.on_change(status_);
}

}  // namespace prewarm::amqp
