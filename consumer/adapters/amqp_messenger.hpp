/// What the service tells others through RabbitMQ: announcements and dead letters.
#pragma once

#include <chrono>
#include <string>

#include "common/amqp/publisher.hpp"
#include "common/events/announcement.hpp"
#include "common/topology/topology.hpp"
#include "consumer/warm/outcome.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// `publisher` outlives it; one loop's thread. Every call ends with the broker's confirm.
class AmqpMessenger : public warm::Announcer {
public:
    /// `instance` signs dead letters.
    AmqpMessenger(amqp::Publisher& publisher, topology::Names names, std::string instance);

    Task<> announce(const Upload& upload, const ReadyMedia& ready, bool already_warm) override;

    Task<> announce_failed(events::FailedMedia failed, std::string traceparent);

    /// The message as it came, with why it is here in its headers (contract, section 3).
    Task<> dead_letter(amqp::Message message, warm::DeadLettered why, std::string first_seen);

private:
    Task<> publish(std::string routing_key, std::string_view type, std::string body,
                   std::string event_id, std::string traceparent);

    amqp::Publisher& publisher_;
    topology::Names names_;
    std::string instance_;
};

}  // namespace prewarm
