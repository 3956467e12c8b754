#include "common/amqp/channel.hpp"

#include <utility>

#include "common/amqp/channel_core.hpp"
#include "common/amqp/codec.hpp"
#include "common/amqp/properties.hpp"

namespace prewarm::amqp {
namespace {

template <class Fields>
Task<> call(std::shared_ptr<ChannelCore> core, amqp_method_number_t method, Fields fields,
            Deadline deadline) {
    auto reply = co_await core->call(method, &fields, deadline);
    if (!reply) co_return reply.error();
    co_return Result<>{};
}

/// Messages that a purge or a delete dropped.
template <class Fields>
Task<std::uint32_t> call_and_count(std::shared_ptr<ChannelCore> core, amqp_method_number_t method,
                                   Fields fields, Deadline deadline) {
    auto reply = co_await core->call(method, &fields, deadline);
    if (!reply) co_return reply.error();
    co_return reply->messages;
}

Task<QueueState> declare(std::shared_ptr<ChannelCore> core, amqp_queue_declare_t fields,
                         Deadline deadline) {
    auto reply = co_await core->call(AMQP_QUEUE_DECLARE_METHOD, &fields, deadline);
    if (!reply) co_return reply.error();
    co_return QueueState{std::move(reply->name), reply->messages, reply->consumers};
}

}  // namespace

Channel::Channel(std::shared_ptr<Session> session, std::shared_ptr<ChannelCore> core)
    : session_{std::move(session)}, core_{std::move(core)} {}

Channel::~Channel() {
    core_->let_go();
}

Task<> Channel::declare_exchange(ExchangeSpec exchange, Deadline deadline) {
    WireTable arguments;
    auto written = arguments.write(exchange.arguments);
    if (!written) co_return written;
    amqp_exchange_declare_t fields{};
    fields.exchange = as_bytes(exchange.name);
    fields.type = as_bytes(exchange.type);
    fields.durable = exchange.durable;
    fields.auto_delete = exchange.auto_delete;
    fields.arguments = arguments.encodable();
    co_return co_await call(core_, AMQP_EXCHANGE_DECLARE_METHOD, fields, deadline);
}

Task<> Channel::delete_exchange(std::string name, Deadline deadline) {
    amqp_exchange_delete_t fields{};
    fields.exchange = as_bytes(name);
    co_return co_await call(core_, AMQP_EXCHANGE_DELETE_METHOD, fields, deadline);
}

Task<QueueState> Channel::declare_queue(QueueSpec queue, Deadline deadline) {
    WireTable arguments;
    auto written = arguments.write(queue.arguments);
    if (!written) co_return written.error();
    amqp_queue_declare_t fields{};
    fields.queue = as_bytes(queue.name);
    fields.durable = queue.durable;
    fields.exclusive = queue.exclusive;
    fields.auto_delete = queue.auto_delete;
    fields.arguments = arguments.encodable();
    co_return co_await declare(core_, fields, deadline);
}

Task<QueueState> Channel::inspect_queue(std::string name, Deadline deadline) {
    amqp_queue_declare_t fields{};
    fields.queue = as_bytes(name);
    fields.passive = 1;
    co_return co_await declare(core_, fields, deadline);
}

Task<> Channel::bind_queue(std::string queue, std::string exchange, std::string routing_key,
                           Deadline deadline) {
    amqp_queue_bind_t fields{};
    fields.queue = as_bytes(queue);
    fields.exchange = as_bytes(exchange);
    fields.routing_key = as_bytes(routing_key);
    co_return co_await call(core_, AMQP_QUEUE_BIND_METHOD, fields, deadline);
}

Task<std::uint32_t> Channel::purge_queue(std::string name, Deadline deadline) {
    amqp_queue_purge_t fields{};
    fields.queue = as_bytes(name);
    co_return co_await call_and_count(core_, AMQP_QUEUE_PURGE_METHOD, fields, deadline);
}

Task<std::uint32_t> Channel::delete_queue(std::string name, Deadline deadline) {
    amqp_queue_delete_t fields{};
    fields.queue = as_bytes(name);
    co_return co_await call_and_count(core_, AMQP_QUEUE_DELETE_METHOD, fields, deadline);
}

Task<std::optional<Delivery>> Channel::get(std::string queue, Deadline deadline) {
    const auto core = core_;
    amqp_basic_get_t fields{};
    fields.queue = as_bytes(queue);
    auto reply = co_await core->call(AMQP_BASIC_GET_METHOD, &fields, deadline);
    if (!reply) co_return reply.error();
    co_return std::move(reply->delivery);
}

Task<> Channel::prefetch(std::uint16_t count, Deadline deadline) {
    amqp_basic_qos_t fields{};
    fields.prefetch_count = count;
    co_return co_await call(core_, AMQP_BASIC_QOS_METHOD, fields, deadline);
}

Task<std::string> Channel::consume(std::string queue, Deadline deadline, std::string tag) {
    const auto core = core_;
    amqp_basic_consume_t fields{};
    fields.queue = as_bytes(queue);
    fields.consumer_tag = as_bytes(tag);
    auto reply = co_await core->call(AMQP_BASIC_CONSUME_METHOD, &fields, deadline);
    if (!reply) co_return reply.error();
    co_return std::move(reply->name);
}

Task<> Channel::cancel(std::string consumer_tag, Deadline deadline) {
    amqp_basic_cancel_t fields{};
    fields.consumer_tag = as_bytes(consumer_tag);
    co_return co_await call(core_, AMQP_BASIC_CANCEL_METHOD, fields, deadline);
}

void Channel::ack(std::uint64_t number) {
    amqp_basic_ack_t fields{};
    fields.delivery_tag = number;
    (void)core_->send(AMQP_BASIC_ACK_METHOD, &fields);
}

void Channel::reject(std::uint64_t number, Requeue requeue) {
    amqp_basic_reject_t fields{};
    fields.delivery_tag = number;
    fields.requeue = requeue == Requeue::yes;
    (void)core_->send(AMQP_BASIC_REJECT_METHOD, &fields);
}

void Channel::nack(std::uint64_t number, Requeue requeue) {
    amqp_basic_nack_t fields{};
    fields.delivery_tag = number;
    fields.requeue = requeue == Requeue::yes;
    (void)core_->send(AMQP_BASIC_NACK_METHOD, &fields);
}

void Channel::give_all_back() {
    amqp_basic_nack_t fields{};
    fields.delivery_tag = 0;  // With `multiple`: all there are.
    fields.multiple = 1;
    fields.requeue = 1;
    (void)core_->send(AMQP_BASIC_NACK_METHOD, &fields);
}

Task<> Channel::confirm_publishes(Deadline deadline) {
    co_return co_await call(core_, AMQP_CONFIRM_SELECT_METHOD, amqp_confirm_select_t{}, deadline);
}

Result<> Channel::publish(std::string_view exchange, std::string_view routing_key,
                          const Message& message, bool mandatory) {
    amqp_basic_publish_t fields{};
    fields.exchange = as_bytes(exchange);
    fields.routing_key = as_bytes(routing_key);
    fields.mandatory = mandatory;
    return core_->publish(fields, message);
}

void Channel::keep_bodies_to(std::size_t bytes) {
    core_->keep_bodies_to(bytes);
}

void Channel::listen(ChannelEvents events) {
    core_->listen(std::move(events));
}

bool Channel::is_open() const {
    return core_->is_open();
}

Task<> Channel::close(Deadline deadline) {
    return core_->close(deadline);
}

}  // namespace prewarm::amqp
