/// Where Redis is, and as whom to speak to it.
#pragma once

#include <string>

#include "common/base/failure.hpp"
#include "common/base/secret.hpp"

namespace prewarm::redis {

struct Address {
    bool tls = false;
    std::string host;
    std::string port;
    std::string user;  ///< Empty: the default user.
    Secret password;   ///< Empty: no AUTH.
    unsigned database = 0;
};

/// `redis://[[user]:password@]host[:6379][/0]`, or `rediss://` for TLS. `misconfigured`, without
/// a word of the URL, if it is not that.
Result<Address> parse_url(const Secret& url);

}  // namespace prewarm::redis
