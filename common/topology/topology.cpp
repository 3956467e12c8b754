#include "common/topology/topology.hpp"

#include <memory>
#include <utility>

namespace prewarm::topology {
namespace {

amqp::FieldTable dead_letter_queue_arguments() {
    amqp::FieldTable arguments;
    arguments.set("x-queue-type", "quorum");
    return arguments;
}

amqp::FieldTable upload_queue_arguments(const Names& names) {
    amqp::FieldTable arguments;
    arguments.set("x-queue-type", "quorum");
    arguments.set("x-dead-letter-exchange", names.dead_letter_exchange);
    arguments.set("x-dead-letter-routing-key", names.dead_letter_key);
    arguments.set("x-dead-letter-strategy", "at-least-once");
    arguments.set("x-overflow", "reject-publish");  // at-least-once falls back without it
    arguments.set("x-delivery-limit", delivery_limit);
    return arguments;
}

/// What the broker refuses cannot be mended by trying again. Its text names the argument that
/// differs, with what was received from us and what is current.
Failure not_as_agreed(std::string_view what, const std::string& name, const Failure& failure) {
    if (failure.kind != FailureKind::refused) return failure;
    Failure told{FailureKind::misconfigured,
                 std::string{what} + " '" + name + "' cannot be declared: " + failure.detail};
    if (failure.detail.contains("PRECONDITION_FAILED")) {
        told.detail +=
            ". It exists with other arguments, and nothing was changed. Either delete it once it "
            "is empty and start again, or set RABBITMQ_PREFIX for names of this deployment's own";
    }
    return told;
}

class Declaration {
public:
    Declaration(amqp::Channel& channel, Deadline deadline)
        : channel_{channel}, deadline_{deadline} {}

    Task<> exchange(std::string name, std::string type) {
        amqp::ExchangeSpec spec{.name = name, .type = std::move(type)};
        auto made = co_await channel_.declare_exchange(std::move(spec), deadline_);
        if (!made) co_return not_as_agreed("the exchange", name, made.error());
        co_return Result<>{};
    }

    Task<> queue(std::string name, std::string exchange, std::string key,
                 amqp::FieldTable arguments) {
        amqp::QueueSpec spec{.name = name, .arguments = std::move(arguments)};
        auto made = co_await channel_.declare_queue(std::move(spec), deadline_);
        if (!made) co_return not_as_agreed("the queue", name, made.error());
        auto bound =
            co_await channel_.bind_queue(name, std::move(exchange), std::move(key), deadline_);
        if (!bound) co_return not_as_agreed("the binding of", name, bound.error());
        co_return Result<>{};
    }

private:
    amqp::Channel& channel_;
    Deadline deadline_;
};

}  // namespace

Names::Names(std::string_view prefix)
    : upload_exchange{std::string{prefix} + "prewarm"},
      upload_queue{upload_exchange},
      upload_key{"prewarm"},
      dead_letter_exchange{std::string{prefix} + "prewarm.dlx"},
      dead_letter_queue{std::string{prefix} + "prewarm.dlq"},
      dead_letter_key{"prewarm.dlq"},
      media_exchange{std::string{prefix} + "media"} {}

std::string ready_key(std::string_view bot_slug, MediaKind kind) {
    return "media.ready." + std::string{bot_slug} + "." + std::string{name_of(kind)};
}

std::string failed_key(std::string_view bot_slug, MediaKind kind) {
    return "media.failed." + std::string{bot_slug} + "." + std::string{name_of(kind)};
}

Task<> declare(amqp::Connection& connection, Names names, Deadline deadline) {
    auto channel = co_await connection.open_channel(deadline);
    if (!channel) co_return channel.error();
    Declaration declaration{**channel, deadline};

    auto dlx = co_await declaration.exchange(names.dead_letter_exchange, "direct");
    if (!dlx) co_return dlx.error();
    auto dlq = co_await declaration.queue(names.dead_letter_queue, names.dead_letter_exchange,
                                          names.dead_letter_key, dead_letter_queue_arguments());
    if (!dlq) co_return dlq.error();

    auto uploads = co_await declaration.exchange(names.upload_exchange, "direct");
    if (!uploads) co_return uploads.error();
    auto queue = co_await declaration.queue(names.upload_queue, names.upload_exchange,
                                            names.upload_key, upload_queue_arguments(names));
    if (!queue) co_return queue.error();

    auto media = co_await declaration.exchange(names.media_exchange, "topic");
    if (!media) co_return media.error();
    co_return co_await (*channel)->close(deadline);
}

}  // namespace prewarm::topology
