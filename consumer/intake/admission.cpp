#include "consumer/intake/admission.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace prewarm {

Admission::Admission(const Bots& bots, std::string default_bucket,
                     std::vector<std::string> allowed_buckets)
    : bots_{bots},
      default_bucket_{std::move(default_bucket)},
      allowed_buckets_{std::move(allowed_buckets)} {}

std::optional<warm::DeadLettered> Admission::refuse(const Upload& upload) const {
    if (!bots_.contains(upload.media.bot_slug)) {
        return warm::DeadLettered{
            FailureReason::unknown_bot,
            fmt::format("no bot `{}` in PREWARM_BOTS_FILE", upload.media.bot_slug)};
    }
    if (!upload.r2_bucket.empty() && upload.r2_bucket != default_bucket_ &&
        std::ranges::find(allowed_buckets_, upload.r2_bucket) == allowed_buckets_.end()) {
        return warm::DeadLettered{FailureReason::invalid_event,
                                  fmt::format("bucket `{}` is not in R2_ALLOWED_BUCKETS",
                                              printable(upload.r2_bucket, 80))};
    }
    return std::nullopt;
}

}  // namespace prewarm
