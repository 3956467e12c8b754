/// What claiming a media in the database finds.
#pragma once

#include <chrono>
#include <cstdint>
#include <variant>

#include "common/base/media.hpp"
#include "common/base/upload.hpp"

namespace prewarm {

/// The right to warm a media, until `token` is taken over by a later claim. Every write that
/// follows is made under it and changes nothing once it is lost.
struct Lease {
    MediaKey media;
    std::int64_t token = 0;
    std::uint32_t attempt = 1;  ///< 1 for the first: failed attempts so far, and this one.
    /// Times it was begun without an outcome, this one included. Above 1: whoever began it before
    /// was killed, or lost the lease.
    std::uint32_t starts = 1;
};

/// Somebody alive is warming this media; it can be claimed again after `remaining` at the latest.
struct LeasedElsewhere {
    std::chrono::milliseconds remaining;
};

/// `ReadyMedia`: nothing is to be uploaded, the file_id is on record.
using Claim = std::variant<Lease, ReadyMedia, LeasedElsewhere>;

}  // namespace prewarm
