/// prewarmctl against the real servers: a database, exchanges and queues of the test's own.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/amqp/connection.hpp"
#include "common/topology/topology.hpp"
#include "tests/integration/topology/remove_topology.hpp"
#include "tests/support/environment.hpp"
#include "tests/support/fresh_database.hpp"
#include "tests/support/program.hpp"
#include "tests/support/temporary_folder.hpp"

namespace prewarm::producer {

using namespace std::chrono_literals;

class PrewarmctlTest : public testing::Test {
protected:
    PrewarmctlTest() {
        variables = {{"DATABASE_URL", database.url().reveal()}, {"RABBITMQ_PREFIX", prefix}};
        connection = must(run_coroutine(amqp::Connection::open(
            {.brokers =
                 must(amqp::parse_broker_urls(Secret{test::required_variable("RABBITMQ_URL")})),
             .name = "prewarmctl's test",
             .heartbeat = 60s})));  // Nobody runs the loop while a program is waited for.
        channel = new_channel();
    }

    ~PrewarmctlTest() override {
        must(run_coroutine(topology::remove(*connection, names, soon())));
        must(run_coroutine(connection->close(soon())));
    }

    static Deadline soon() { return deadline_in(60s); }

    /// Until `task` ends: the connection's own coroutines never do.
    template <class T>
    T run_coroutine(asio::awaitable<T> task) {
        std::optional<T> value;
        std::exception_ptr thrown;
        asio::co_spawn(loop, std::move(task), [&](std::exception_ptr error, T result) {
            thrown = error;
            if (!error) value.emplace(std::move(result));
        });
        loop.restart();
        while (!value && !thrown)
            loop.run_one();
        if (thrown) std::rethrow_exception(thrown);
        return std::move(*value);
    }

    template <class T>
    static T must(Result<T> result) {
        if (!result) throw std::runtime_error{result.error().detail};
        if constexpr (!std::is_void_v<T>) return std::move(*result);
    }

    std::shared_ptr<amqp::Channel> new_channel() {
        return must(run_coroutine(connection->open_channel(soon())));
    }

    void migrate() { ASSERT_EQ(run({"migrate"}).status, 0); }
    void make_topology() { ASSERT_EQ(run({"topology"}).status, 0); }

    test::ProgramEnd run(std::vector<std::string> arguments, std::string_view input = "") {
        return test::Program{PREWARMCTL, std::move(arguments), variables, input}.wait();
    }

    /// The JSON objects it prints, one a line.
    static std::vector<boost::json::object> objects(const std::string& text) {
        std::vector<boost::json::object> objects;
        std::istringstream lines{text};
        for (std::string line; std::getline(lines, line);)
            objects.push_back(boost::json::parse(line).as_object());
        return objects;
    }

    /// What is in the service's queue, which is empty afterwards.
    std::vector<amqp::Message> queued() {
        std::vector<amqp::Message> messages;
        while (auto delivery = must(run_coroutine(channel->get(names.upload_queue, soon())))) {
            channel->ack(delivery->tag.number);
            messages.push_back(std::move(delivery->message));
        }
        return messages;
    }

    std::string prefix = test::random_name() + ".";
    std::string bot = test::random_name();
    topology::Names names{prefix};
    test::FreshDatabase database;
    test::TemporaryFolder folder;
    test::Program::Variables variables;

    asio::io_context loop;
    std::unique_ptr<amqp::Connection> connection;
    std::shared_ptr<amqp::Channel> channel;
};

}  // namespace prewarm::producer
