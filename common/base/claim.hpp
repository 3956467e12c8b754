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
    /// Telegram may have it from an earlier start, whose outcome nobody knows.
    bool may_be_posted = false;
    bool is_counted = true;  ///< This start is in the row's `starts`.
};

/// Somebody alive is warming this media; it can be claimed again after `remaining` at the latest.
struct LeasedElsewhere {
    std::chrono::milliseconds remaining;
    std::int64_t token = 0;  ///< Of the lease that is in the way: perhaps the caller's own.
};

/// Why a job is parked.
enum class ParkedAfter : std::uint8_t {
    no_try,         ///< Nothing was sent. What earlier starts make suspicious stays so.
    blameless_try,  ///< It failed for no fault of its own.
    failed_attempt,
};

/// `ReadyMedia`: nothing is to be uploaded, the file_id is on record.
using Claim = std::variant<Lease, ReadyMedia, LeasedElsewhere>;

}  // namespace prewarm
