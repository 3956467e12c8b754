/// Whether an event may be worked on here at all: what needs the configuration, and no I/O.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/upload.hpp"
#include "consumer/bots.hpp"
#include "consumer/warm/outcome.hpp"

namespace prewarm {

/// `bots` outlives it.
class Admission {
public:
    Admission(const Bots& bots, std::string default_bucket,
              std::vector<std::string> allowed_buckets);

    /// Why this upload is dead-lettered; nothing if it is welcome.
    std::optional<warm::DeadLettered> refuse(const Upload& upload) const;

private:
    const Bots& bots_;
    std::string default_bucket_;
    std::vector<std::string> allowed_buckets_;
};

}  // namespace prewarm
