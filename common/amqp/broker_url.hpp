/// Where brokers are: `amqp://user:password@host:port/vhost`, several separated by commas.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/failure.hpp"
#include "common/base/secret.hpp"

namespace prewarm::amqp {

struct BrokerAddress {
    bool tls = false;
    std::string host;  ///< A name, or an IP address without brackets.
    std::uint16_t port = 5672;
    std::string user = "guest";
    Secret password{"guest"};
    std::string vhost = "/";

    /// `host:port`, for people: without user and password.
    std::string shown() const;
};

/// All of them, in the order written. A missing port is 5672, or 5671 with `amqps`; a missing or
/// empty vhost is `/`. Parts are percent-decoded. `misconfigured` names the problem and never
/// holds the URL, because of its password.
Result<std::vector<BrokerAddress>> parse_broker_urls(const Secret& urls);

}  // namespace prewarm::amqp
