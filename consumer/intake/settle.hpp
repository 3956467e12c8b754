/// What an outcome means for its delivery.
#pragma once

#include <chrono>

#include "common/amqp/consumer.hpp"
#include "consumer/adapters/amqp_messenger.hpp"
#include "consumer/warm/outcome.hpp"

namespace prewarm {

/// Acknowledges last: a delivery leaves the queue only when all that follows from its outcome has
/// been confirmed. `consumer` and `messenger` outlive it; one loop's thread.
class Settle {
public:
    Settle(amqp::Consumer& consumer, AmqpMessenger& messenger)
        : consumer_{consumer}, messenger_{messenger} {}

    /// `failed` is told when the outcome is DeadLettered, once for each event that it answers; what
    /// `upload` has from headers goes with it. Keeps trying while the broker is away; cancelled,
    /// the delivery stays unsettled and comes again.
    asio::awaitable<void> apply(amqp::Delivery delivery, warm::Outcome outcome,
                                events::FailedMedia failed, const Upload& upload);

private:
    amqp::Consumer& consumer_;
    AmqpMessenger& messenger_;
};

}  // namespace prewarm
