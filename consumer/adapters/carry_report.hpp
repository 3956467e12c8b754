/// How carrying an object to Telegram went.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/base/failure.hpp"
#include "common/downloads/download_cache.hpp"
#include "consumer/routes/planner.hpp"

namespace prewarm {

/// One carrying, well or not.
struct CarryReport {
    using Duration = std::chrono::steady_clock::duration;

    Route route = Route::multipart;
    /// Nothing for a stage that was not reached.
    std::optional<Duration> r2_first_byte{};  ///< From the request to R2 to its headers.
    std::optional<Duration> transfer{};       ///< From there until Telegram had been given it all.
    std::optional<Duration> telegram{};       ///< From there to its answer.
    std::optional<downloads::CacheResult> cache{};  ///< Nothing where there is none.
    std::uint64_t r2_resumes = 0;                   ///< How often the rest of it was asked for.
    std::uint64_t downloaded_bytes = 0;             ///< Of the object, from R2.
    std::uint64_t probed_bytes = 0;                 ///< Of it, beside: to learn what to declare.
    std::uint64_t uploaded_bytes = 0;               ///< Of the object, to Telegram: all or 0.
    std::uint64_t saved_bytes = 0;                  ///< Of it, that nobody had to upload: all or 0.
    bool in_album = false;                          ///< It was posted together with others.
    std::optional<FailureKind> telegram_failure{};
    /// Telegram had it all and did not answer: trying again may post it twice.
    bool outcome_unknown = false;
};

}  // namespace prewarm
