#include "common/amqp/channel_core.hpp"

#include <string>
#include <utility>

#include "common/amqp/codec.hpp"
#include "common/amqp/session.hpp"
#include "common/runtime/wait.hpp"

namespace prewarm::amqp {
namespace {

std::string name_of(amqp_method_number_t method) {
    const char* name = amqp_method_name(method);
    return name ? name : "an unknown method";
}

/// The method that answers `method`: the next number, in every call we make.
bool answers(amqp_method_number_t reply, amqp_method_number_t method) {
    return reply == method + 1 ||
           (method == AMQP_BASIC_GET_METHOD && reply == AMQP_BASIC_GET_EMPTY_METHOD);
}

Reply reply_of(const amqp_method_t& method) {
    Reply reply{.method = method.id};
    switch (method.id) {
        case AMQP_QUEUE_DECLARE_OK_METHOD: {
            const auto& fields = *static_cast<const amqp_queue_declare_ok_t*>(method.decoded);
            reply.name = as_text(fields.queue);
            reply.messages = fields.message_count;
            reply.consumers = fields.consumer_count;
            break;
        }
        case AMQP_QUEUE_PURGE_OK_METHOD:
            reply.messages =
                static_cast<const amqp_queue_purge_ok_t*>(method.decoded)->message_count;
            break;
        case AMQP_QUEUE_DELETE_OK_METHOD:
            reply.messages =
                static_cast<const amqp_queue_delete_ok_t*>(method.decoded)->message_count;
            break;
        case AMQP_BASIC_CONSUME_OK_METHOD:
            reply.name =
                as_text(static_cast<const amqp_basic_consume_ok_t*>(method.decoded)->consumer_tag);
            break;
        default:
            break;
    }
    return reply;
}

}  // namespace

struct ChannelCore::Call {
    amqp_method_number_t method;
    asio::steady_timer answered;
    std::optional<Result<Reply>> outcome{};

    void end(Result<Reply> with) {
        outcome = std::move(with);
        answered.cancel();
    }
};

ChannelCore::ChannelCore(Session& session, std::uint16_t number)
    : session_{&session}, number_{number} {}

Task<Reply> ChannelCore::call(amqp_method_number_t method, const void* fields, Deadline deadline) {
    const auto self = shared_from_this();
    auto sent = send(method, fields);
    if (!sent) co_return sent.error();

    const auto call = std::make_shared<Call>(method, asio::steady_timer{session_->executor()});
    call->answered.expires_at(deadline);
    calls_.push_back(call);
    co_await wake_up(call->answered);
    if (call->outcome) co_return std::move(*call->outcome);
    co_return Failure{FailureKind::unavailable,
                      "RabbitMQ did not answer " + name_of(method) + " in time"};
}

Result<> ChannelCore::send(amqp_method_number_t method, const void* fields) {
    if (closed_why_) return *closed_why_;
    return session_->send(number_, method, fields);
}

Result<> ChannelCore::publish(const amqp_basic_publish_t& publish, const Message& message) {
    if (closed_why_) return *closed_why_;
    return session_->send(number_, publish, message);
}

void ChannelCore::let_go() {
    events_ = {};
    if (closed_why_) return;
    amqp_channel_close_t close{};
    close.reply_code = AMQP_REPLY_SUCCESS;
    // It can only fail when a text is too long, and there is none.
    (void)send(AMQP_CHANNEL_CLOSE_METHOD, &close);
    closing_ = true;
    end({FailureKind::unavailable, "the channel was closed"});
}

Task<> ChannelCore::close(Deadline deadline) {
    const auto self = shared_from_this();
    if (closed_why_) co_return Result<>{};
    const auto call =
        std::make_shared<Call>(AMQP_CHANNEL_CLOSE_METHOD, asio::steady_timer{session_->executor()});
    call->answered.expires_at(deadline);
    let_go();
    close_call_ = call;
    co_await wake_up(call->answered);
    if (call->outcome) co_return Result<>{};
    co_return Failure{FailureKind::unavailable, "RabbitMQ did not close the channel in time"};
}

Result<> ChannelCore::take(const amqp_frame_t& frame) {
    const bool is_method = frame.frame_type == AMQP_FRAME_METHOD;
    if (is_method && !DeliveryAssembler::begins_content(frame) && !assembler_.assembling())
        return take_method(frame.payload.method);

    // Contents are put together on a closing channel too: they tell where the next method begins.
    auto content = assembler_.take(frame);
    if (!content) return content.error();
    if (!*content || closing_) return {};
    if (auto* got = std::get_if<Got>(&**content))
        return answer({.method = AMQP_BASIC_GET_OK_METHOD, .delivery = std::move(got->delivery)});
    take_content(std::move(**content));
    return {};
}

void ChannelCore::take_content(Content content) {
    if (auto* delivery = std::get_if<Delivery>(&content)) {
        if (events_.on_delivery) events_.on_delivery(std::move(*delivery));
    } else if (auto* returned = std::get_if<Returned>(&content)) {
        if (events_.on_returned) events_.on_returned(std::move(*returned));
    }
}

Result<> ChannelCore::take_method(const amqp_method_t& method) {
    switch (method.id) {
        case AMQP_CHANNEL_CLOSE_METHOD:
            closed_by_broker(*static_cast<const amqp_channel_close_t*>(method.decoded));
            return {};
        case AMQP_CHANNEL_CLOSE_OK_METHOD:
            if (!closing_) break;
            if (close_call_) close_call_->end(Reply{.method = method.id});
            session_->forget(number_);
            return {};
        case AMQP_BASIC_ACK_METHOD: {
            const auto& ack = *static_cast<const amqp_basic_ack_t*>(method.decoded);
            take_confirm(ack.delivery_tag, ack.multiple != 0, true);
            return {};
        }
        case AMQP_BASIC_NACK_METHOD: {
            const auto& nack = *static_cast<const amqp_basic_nack_t*>(method.decoded);
            take_confirm(nack.delivery_tag, nack.multiple != 0, false);
            return {};
        }
        case AMQP_BASIC_CANCEL_METHOD:
            if (events_.on_consumer_cancelled) {
                events_.on_consumer_cancelled(
                    "RabbitMQ cancelled the consumer: its queue was deleted or moved");
            }
            return {};
        default:
            break;
    }
    if (closing_) return {};
    return answer(reply_of(method));
}

void ChannelCore::take_confirm(std::uint64_t number, bool multiple, bool taken) {
    if (events_.on_confirm) events_.on_confirm({number, multiple, taken});
}

Result<> ChannelCore::answer(Reply reply) {
    if (calls_.empty() || !answers(reply.method, calls_.front()->method)) {
        return Failure{FailureKind::unavailable,
                       "RabbitMQ sent " + name_of(reply.method) + " unasked"};
    }
    const auto call = std::move(calls_.front());
    calls_.pop_front();
    call->end(std::move(reply));
    return {};
}

void ChannelCore::closed_by_broker(const amqp_channel_close_t& close) {
    amqp_channel_close_ok_t close_ok{};
    (void)session_->send(number_, AMQP_CHANNEL_CLOSE_OK_METHOD, &close_ok);
    // Both sides closed at once: the answer to ours is still to come.
    if (closing_) return;
    const auto self = shared_from_this();
    session_->forget(number_);
    end({FailureKind::refused, "RabbitMQ closed the channel: " + std::to_string(close.reply_code) +
                                   " " + std::string{as_text(close.reply_text)}});
}

void ChannelCore::lost(const Failure& why) {
    session_ = nullptr;
    if (close_call_) close_call_->end(why);
    if (!closed_why_) end(why);
}

void ChannelCore::end(const Failure& why) {
    closed_why_ = why;
    for (const auto& call : std::exchange(calls_, {}))
        call->end(why);
    // Nothing follows, and what listens may hold on to what holds this channel.
    const auto events = std::exchange(events_, {});
    if (events.on_closed) events.on_closed(why);
}

}  // namespace prewarm::amqp
