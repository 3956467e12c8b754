/// Ready and failed events, as they are announced.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/amqp/connection.hpp"
#include "common/runtime/task.hpp"
#include "producer/command.hpp"
#include "producer/config.hpp"

namespace prewarm::producer {

/// What a queue of our own gets of the announcements, from the end of `follow` on. One loop's
/// thread.
class Announcements {
public:
    explicit Announcements(asio::any_io_executor executor) : changed_{std::move(executor)} {}

    /// `refused` when there is no such exchange.
    Task<> follow(BrokerConfig broker, std::string_view command, std::string routing_key);
    /// The next one; nothing when time is up first.
    Task<std::optional<amqp::Message>> next(Deadline deadline);

private:
    asio::steady_timer changed_;
    std::deque<amqp::Delivery> held_;
    std::optional<Failure> lost_;
    std::unique_ptr<amqp::Connection> connection_;  // These two go first: they call back.
    std::shared_ptr<amqp::Channel> channel_;
};

/// What cannot go on, with what to do about it.
CommandError following_error(const Failure& failure, const BrokerConfig& broker);

}  // namespace prewarm::producer
