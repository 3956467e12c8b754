/// What the tests against a real RabbitMQ have in common.
#pragma once

#include <chrono>
#include <exception>
#include <list>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/amqp/connection.hpp"
#include "common/amqp/consumer.hpp"
#include "common/amqp/publisher.hpp"
#include "common/runtime/task_group.hpp"
#include "tests/support/environment.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::amqp {

using namespace std::chrono_literals;

/// A test's way of saying that what comes now cannot do without.
template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error{result.error().detail};
    return std::move(*result);
}
inline void must(Result<> result) {
    if (!result) throw std::runtime_error{result.error().detail};
}

class BrokerTest : public testing::Test {
protected:
    static Deadline soon() { return deadline_in(20s); }

    static ConnectionOptions connection_options() {
        ConnectionOptions options;
        options.brokers = must(parse_broker_urls(Secret{test::required_variable("RABBITMQ_URL")}));
        options.name = test::random_name();
        return options;
    }

    static LinkOptions link_options() {
        LinkOptions options;
        options.connection = connection_options();
        options.backoff_max = 300ms;
        return options;
    }

    static ConsumerOptions consumer_of(std::string queue, std::uint16_t prefetch = 50) {
        ConsumerOptions options;
        options.link = link_options();
        options.queue = std::move(queue);
        options.prefetch = prefetch;
        return options;
    }

    /// `body` as a coroutine, with a group for what runs beside it.
    template <class Body>
    void run(Body body) {
        TaskGroup group{loop.get_executor()};
        const auto with_group = [&]() -> asio::awaitable<void> {
            std::exception_ptr thrown;
            try {
                co_await body(group);
            } catch (...) {
                thrown = std::current_exception();
            }
            group.cancel_all();
            co_await group.join(soon());
            consumers_.clear();
            publishers_.clear();
            if (thrown) std::rethrow_exception(thrown);
        };
        test::run_to_end(loop, with_group());
    }

    /// At work until the end of `run`.
    Consumer& consume(TaskGroup& group, ConsumerOptions options) {
        auto& consumer = consumers_.emplace_back(loop.get_executor(), std::move(options));
        group.spawn(consumer.run());
        return consumer;
    }

    Publisher& publish(TaskGroup& group, LinkOptions options = link_options()) {
        auto& publisher = publishers_.emplace_back(loop.get_executor(), std::move(options));
        group.spawn(publisher.run());
        return publisher;
    }

    /// Settling and requeueing take effect some time after they were sent.
    asio::awaitable<void> until_messages_in(std::string queue, std::uint32_t count) {
        while (co_await messages_in(queue) != count)
            co_await sleep_for(20ms);
    }

    Task<std::unique_ptr<Connection>> connect() { return Connection::open(connection_options()); }

    /// A quorum queue that is deleted after the test.
    asio::awaitable<std::string> new_queue(FieldTable arguments = {}) {
        auto connection = must(co_await connect());
        auto channel = must(co_await connection->open_channel(soon()));
        QueueSpec queue{.name = test::random_name(), .arguments = std::move(arguments)};
        if (!queue.arguments.find("x-queue-type")) queue.arguments.set("x-queue-type", "quorum");
        queues_.push_back(queue.name);
        must(co_await channel->declare_queue(queue, soon()));
        must(co_await connection->close(soon()));
        co_return queue.name;
    }

    /// Of one queue, ready ones only.
    asio::awaitable<std::uint32_t> messages_in(std::string queue) {
        auto connection = must(co_await connect());
        auto channel = must(co_await connection->open_channel(soon()));
        const auto state = must(co_await channel->inspect_queue(queue, soon()));
        must(co_await connection->close(soon()));
        co_return state.ready_messages;
    }

    /// Publishes bodies "0", "1", ... and waits for the confirms: without them a quorum queue that
    /// was just made may lose messages.
    asio::awaitable<void> fill(std::string queue, std::uint64_t count) {
        auto connection = must(co_await connect());
        auto channel = must(co_await connection->open_channel(soon()));
        must(co_await channel->confirm_publishes(soon()));
        std::set<std::uint64_t> unconfirmed;
        ChannelEvents events;
        events.on_confirm = [&](Confirm confirm) {
            const auto first =
                confirm.multiple ? unconfirmed.begin() : unconfirmed.lower_bound(confirm.number);
            unconfirmed.erase(first, unconfirmed.upper_bound(confirm.number));
        };
        channel->listen(std::move(events));
        for (std::uint64_t i = 0; i < count; ++i) {
            Message message;
            message.body = std::to_string(i);
            must(channel->publish("", queue, message, true));
            unconfirmed.insert(i + 1);
        }
        while (!unconfirmed.empty())
            co_await sleep_for(1ms);
        must(co_await connection->close(soon()));
    }

    void TearDown() override {
        run([&](TaskGroup&) -> asio::awaitable<void> {
            auto connection = must(co_await connect());
            for (const auto& queue : queues_) {
                auto channel = must(co_await connection->open_channel(soon()));
                (void)co_await channel->delete_queue(queue, soon());
            }
            must(co_await connection->close(soon()));
        });
    }

    asio::io_context loop;

private:
    std::list<Consumer> consumers_;
    std::list<Publisher> publishers_;
    std::vector<std::string> queues_;
};

}  // namespace prewarm::amqp
