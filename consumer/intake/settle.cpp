#include "consumer/intake/settle.hpp"

#include <algorithm>
#include <utility>

#include "common/log/log.hpp"
#include "common/runtime/deadline.hpp"
#include "consumer/intake/failpoint.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

/// Calls until the broker has confirmed: a dead letter that nobody holds would be a lost event.
/// False when it never will.
asio::awaitable<bool> until_confirmed(std::string_view what, std::function<Task<>()> publish) {
    for (std::chrono::milliseconds wait = 200ms;;
         wait = std::min<std::chrono::milliseconds>(2 * wait, 5s)) {
        const auto published = co_await publish();
        if (published) co_return true;
        log::warn("publish.retried", "the broker did not confirm",
                  {{"what", what}, {"error", published.error().detail}});
        if (published.error().kind == FailureKind::too_large) co_return false;
        co_await sleep_for(wait);
    }
}

}  // namespace

asio::awaitable<void> Settle::apply(amqp::Delivery delivery, warm::Outcome outcome,
                                    events::FailedMedia failed, const Upload& upload) {
    const auto tag = delivery.tag;
    if (std::holds_alternative<warm::HandedBack>(outcome)) {
        consumer_.nack(tag, amqp::Requeue::yes);
    } else if (!std::holds_alternative<warm::DeadLettered>(outcome)) {
        if (std::holds_alternative<warm::Parked>(outcome)) failpoint("park");
        consumer_.ack(tag);
        failpoint("acknowledge");
    } else {
        const auto why = std::get<warm::DeadLettered>(outcome);
        // Where its body was not kept, or no room is left for our headers, only the broker can
        // dead-letter it whole.
        const bool published = !delivery.oversized && co_await until_confirmed("dead letter", [&] {
            return messenger_.dead_letter(delivery.message, why, upload.first_seen);
        });
        failpoint("dead_letter");
        auto answered = why.upload_event_ids;
        if (answered.empty()) answered.push_back(failed.upload_event_id);
        for (const auto& event_id : answered) {
            failed.upload_event_id = event_id;
            (void)co_await until_confirmed("MediaFailed", [&] {
                return messenger_.announce_failed(failed, upload.traceparent);
            });
        }
        failpoint("announce_failed");
        if (published) {
            consumer_.ack(tag);
        } else {
            consumer_.reject(tag, amqp::Requeue::no);
        }
    }
}

}  // namespace prewarm
