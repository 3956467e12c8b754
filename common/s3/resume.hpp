/// When and how a download that broke is gone on with. No I/O, and no clock of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/failure.hpp"
#include "common/http/client_request.hpp"

namespace prewarm::s3 {

/// How long a download is worth saving.
struct ResumeLimits {
    /// Tries in a row without progress.
    int most_in_vain = 5;
    /// Fewer bytes than this between two breaks are no progress.
    std::uint64_t progress_bytes = 256 * 1024;
    /// Doubles with each try in vain.
    std::chrono::milliseconds first_pause{200};
    /// A server that asks for a longer one is not waited for: the job can wait better.
    std::chrono::milliseconds longest_pause{std::chrono::seconds{10}};
    /// From the break to the last try, as the upload is held up all the while.
    std::chrono::milliseconds longest_outage{std::chrono::seconds{30}};
};

/// Counts one download's breaks.
class ResumePlan {
public:
    ResumePlan(ResumeLimits limits, Deadline deadline) : limits_{limits}, deadline_{deadline} {}

    /// It broke at `now` because of `why`, when `taken_bytes` had been read: how long to wait
    /// before the next try. Nothing: no try would help, or they were enough.
    std::optional<std::chrono::milliseconds> after(const Failure& why, std::uint64_t taken_bytes,
                                                   Deadline now);

private:
    ResumeLimits limits_;
    Deadline deadline_;
    int in_vain_ = 0;
    std::uint64_t progressed_to_ = 0;  ///< Where the count last began.
    Deadline broke_at_{};
    std::chrono::milliseconds pause_{0};
};

/// Which object it is that was begun with.
struct Version {
    std::uint64_t size_bytes = 0;
    std::string etag;  ///< As the server wrote it; empty if it did not.
};

/// Whether two answers with this ETag hold the same bytes: a weak one, `W/"a"`, does not say so.
bool is_strong(std::string_view etag);

/// What a GET of the bytes from `first` on says besides. Without a strong ETag the server cannot
/// be told which version is meant: only a digest can guard that read.
std::vector<http::Header> headers_for_rest(const Version& version, std::uint64_t first);

/// Where in the object the body of a 200 or 206 begins that answers such a GET: at `first`, or at
/// 0 from a server that knows no ranges. `mismatch` when it is another object, `transient` when
/// the server gives something else than was asked for.
Result<std::uint64_t> beginning_of_rest(const http::ResponseHead& head, const Version& version,
                                        std::uint64_t first, std::string_view what);

/// Likewise for `size` bytes from `first` on, and whether an answer holds just these.
std::vector<http::Header> headers_for_range(const Version& version, std::uint64_t first,
                                            std::uint64_t size);
Result<> is_range(const http::ResponseHead& head, const Version& version, std::uint64_t first,
                  std::uint64_t size, std::string_view what);

/// A `Content-Range` as `bytes 5-9/10`.
struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t size_bytes = 0;

    bool operator==(const ContentRange&) const = default;
};

/// Nothing for any other form of it.
std::optional<ContentRange> content_range_of(std::string_view text);

}  // namespace prewarm::s3
