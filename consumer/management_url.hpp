/// Where RabbitMQ's management API is: `http://user:password@host:15672`.
#pragma once

#include <optional>
#include <string>

#include "common/base/failure.hpp"
#include "common/base/secret.hpp"

namespace prewarm {

struct ManagementAddress {
    std::string base_url;  ///< As far as `/api`, which is not in it; without user and password.
    Secret authorization;  ///< What the header of that name says.
};

/// Nothing when `url` is empty. A path, as of a proxy, is kept. `misconfigured` names the problem
/// and never holds the URL, because of its password.
Result<std::optional<ManagementAddress>> parse_management_url(const Secret& url);

}  // namespace prewarm
