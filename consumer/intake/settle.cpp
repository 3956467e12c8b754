#include "consumer/intake/settle.hpp"

#include <algorithm>
#include <utility>

#include "common/log/log.hpp"
#include "common/runtime/deadline.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

/// Calls until it succeeds: a dead letter that nobody holds would be a lost event.
asio::awaitable<void> until_confirmed(std::string_view what, std::function<Task<>()> publish) {
    std::chrono::milliseconds wait = 200ms;
    while (true) {
        const auto published = co_await publish();
        if (published) co_return;
        log::warn("publish.retried", "the broker did not confirm; trying again",
                  {{"what", what}, {"error", published.error().detail}});
        co_await sleep_for(wait);
        wait = std::min<std::chrono::milliseconds>(2 * wait, 5s);
    }
}

}  // namespace

asio::awaitable<void> Settle::apply(amqp::Delivery delivery, warm::Outcome outcome,
                                    events::FailedMedia failed, std::string traceparent,
                                    std::chrono::system_clock::time_point first_seen) {
    const auto tag = delivery.tag;
    if (std::holds_alternative<warm::Ready>(outcome)) {
        consumer_.ack(tag);
    } else if (const auto* back = std::get_if<warm::HandedBack>(&outcome)) {
        if (back->touched) {
            consumer_.reject(tag, amqp::Requeue::yes);
        } else {
            consumer_.nack(tag, amqp::Requeue::yes);
        }
    } else if (delivery.oversized) {
        // Its body was not kept: only the broker can dead-letter it whole.
        consumer_.reject(tag, amqp::Requeue::no);
        co_await until_confirmed("MediaFailed",
                                 [&] { return messenger_.announce_failed(failed, traceparent); });
    } else {
        const auto why = std::get<warm::DeadLettered>(outcome);
        co_await until_confirmed("dead letter", [&] {
            return messenger_.dead_letter(delivery.message, why, first_seen);
        });
        co_await until_confirmed("MediaFailed",
                                 [&] { return messenger_.announce_failed(failed, traceparent); });
        consumer_.ack(tag);
    }
}

}  // namespace prewarm
