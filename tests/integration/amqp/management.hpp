/// RabbitMQ's HTTP API, as far as the tests need it.
#pragma once

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "tests/support/environment.hpp"

namespace prewarm::amqp {

/// Blocks the loop: what is tested waits meanwhile. `body` is JSON without single quotes.
inline std::string management(const std::string& method, const std::string& path,
                              const std::string& body = {}) {
    auto command = "curl -sS -X " + method + " '" +
                   test::required_variable("RABBITMQ_MANAGEMENT_URL") + "/api" + path + "'";
    if (!body.empty()) command += " -H 'Content-Type: application/json' -d '" + body + "'";
    const std::unique_ptr<FILE, int (*)(FILE*)> curl{popen(command.c_str(), "r"), &pclose};
    if (!curl) throw std::runtime_error{"curl cannot be run"};
    std::string answer;
    std::array<char, 4096> part{};
    while (const auto size = std::fread(part.data(), 1, part.size(), curl.get()))
        answer.append(part.data(), size);
    return answer;
}

/// Closes the connection that its client called `name`; false while the broker does not list it,
/// which it does some time after it was made.
inline bool close_connection_called(const std::string& name) {
    for (const auto& listed : boost::json::parse(management("GET", "/connections")).as_array()) {
        const auto& connection = listed.as_object();
        const auto* called = connection.if_contains("user_provided_name");
        if (!called || called->as_string() != name) continue;
        std::string encoded;
        for (const char c : connection.at("name").as_string()) {
            if (c == ' ') {
                encoded += "%20";
            } else if (c == '>') {
                encoded += "%3E";
            } else {
                encoded += c;
            }
        }
        management("DELETE", "/connections/" + encoded);
        return true;
    }
    return false;
}

}  // namespace prewarm::amqp
