/// A client and the server it talks to.
#pragma once

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/http/client.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/support/scripted_server.hpp"

namespace prewarm::http {

using namespace std::chrono_literals;

class ClientTest : public testing::Test {
protected:
    using Serve = test::ScriptedServer::Serve;
    using Connection = test::Connection;

    void serve(Serve script) { server = std::make_unique<test::ScriptedServer>(loop, script); }

    /// Answers every request with `answer`, and notes the requests.
    void answer_all(std::string answer) {
        serve([this, answer](Connection& connection) -> asio::awaitable<void> {
            while (true) {
                heads.push_back(co_await connection.read_head());
                bodies.push_back(
                    co_await connection.read_bytes(Connection::body_size(heads.back())));
                co_await connection.write(answer);
            }
        });
    }

    ClientRequest request(Method method, std::string_view path = "/") const {
        return {.method = method,
                .url = Secret{server->url(path)},
                .what = "test",
                .headers = {},
                .body = {},
                .deadline = deadline_in(60s)};
    }

    template <class T>
    T run(asio::awaitable<T> task) {
        return test::run_to_end(loop, stopping(std::move(task)));
    }

    Result<ClientResponse> send(ClientRequest what) {
        return run(client.send(std::move(what), 100'000));
    }

    asio::io_context loop;
    ClientOptions options{.connect = 10s, .stall = 20s, .answer = 20s, .ca_file = {}};
    Client client{loop.get_executor(), options};
    std::unique_ptr<test::ScriptedServer> server;
    std::vector<std::string> heads;
    std::vector<std::string> bodies;

private:
    /// The loop runs dry only without the server.
    template <class T>
    asio::awaitable<T> stopping(asio::awaitable<T> task) {
        try {
            T value = co_await std::move(task);
            server->stop();
            co_return value;
        } catch (...) {
            server->stop();
            throw;
        }
    }
};

}  // namespace prewarm::http
