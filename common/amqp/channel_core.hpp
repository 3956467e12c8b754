/// The state of a channel: calls that wait for their answers, and what the broker says.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <amqp.h>
#include <amqp_framing.h>

#include "common/amqp/channel.hpp"
#include "common/amqp/delivery_assembler.hpp"

namespace prewarm::amqp {

class Session;

/// What answers a call, as far as somebody wants to know.
struct Reply {
    amqp_method_number_t method = 0;
    std::string name{};  ///< A queue's or a consumer's.
    std::uint32_t messages = 0;
    std::uint32_t consumers = 0;
    std::optional<Delivery> delivery{};  ///< Of basic.get.
};

/// Kept by its session until the broker has closed it too, and by whoever calls.
class ChannelCore : public std::enable_shared_from_this<ChannelCore> {
public:
    ChannelCore(Session& session, std::uint16_t number);

    /// Sends `fields`, which the caller keeps alive until this ends, and waits for the answer.
    /// Answers come in the order of the calls, so those given up on are still counted off.
    Task<Reply> call(amqp_method_number_t method, const void* fields, Deadline deadline);
    /// Sends without waiting for anything.
    Result<> send(amqp_method_number_t method, const void* fields);
    Result<> publish(const amqp_basic_publish_t& publish, const Message& message);

    void keep_bodies_to(std::size_t bytes) { assembler_.keep_bodies_to(bytes); }
    void listen(ChannelEvents events) { events_ = std::move(events); }
    bool is_open() const { return !closed_why_; }
    /// Closes it without waiting: nobody holds the channel any more.
    void let_go();
    Task<> close(Deadline deadline);

    /// From the session: a frame of this channel. A Failure means that the peer cannot be
    /// understood, and ends the connection.
    Result<> take(const amqp_frame_t& frame);
    /// From the session: the connection is gone.
    void lost(const Failure& why);

private:
    struct Call;

    Result<> take_method(const amqp_method_t& method);
    void take_content(Content content);
    void take_confirm(std::uint64_t number, bool multiple, bool taken);
    Result<> answer(Reply reply);
    void closed_by_broker(const amqp_channel_close_t& close);
    void end(const Failure& why);

    Session* session_;  ///< Null once the connection is gone.
    std::uint16_t number_;
    DeliveryAssembler assembler_{Channel::default_largest_body};
    ChannelEvents events_;
    std::deque<std::shared_ptr<Call>> calls_;
    std::optional<Failure> closed_why_;
    std::shared_ptr<Call> close_call_;
    bool closing_ = false;  ///< We sent channel.close: all but its answer is stale.
};

}  // namespace prewarm::amqp
