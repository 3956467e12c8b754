/// Finds out of an object in R2 what its upload does not tell and Telegram will not find out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/upload.hpp"
#include "common/runtime/blocking_pool.hpp"
#include "common/runtime/deadline.hpp"
#include "common/s3/object_reader.hpp"
#include "common/telegram/bot_client.hpp"

namespace prewarm {

/// Whether Telegram would store a media of this size without its size, length or thumbnail.
bool needs_probe(const telegram::OutgoingMedia& media, std::uint64_t size_bytes);

/// Probes containers on threads of its own, whose reads it makes on the loop's. One loop's thread;
/// the reader outlives it. While it is destroyed it waits for the probes at work, which end at once
/// then.
class MediaProber {
public:
    /// `at_once` probes: the others wait for one of them to end.
    MediaProber(s3::ObjectReader& reader, std::size_t at_once);
    ~MediaProber();
    MediaProber(const MediaProber&) = delete;
    MediaProber& operator=(const MediaProber&) = delete;

    /// Fills in what `media` lacks, as far as it can be found out in time, and logs what that was;
    /// what it has stays. The bytes that it took from R2. `media` is kept alive by the caller.
    ///
    /// Cancelled, it throws once its probe has ended, which is soon.
    asio::awaitable<std::uint64_t> complete(telegram::OutgoingMedia& media, const Upload& upload,
                                            s3::ObjectName object, s3::Version version,
                                            Deadline deadline);

private:
    class RemoteBytes;

    asio::awaitable<void> serve(std::shared_ptr<RemoteBytes> bytes, s3::ObjectName object,
                                s3::Version version, Deadline deadline);

    s3::ObjectReader& reader_;
    std::vector<std::weak_ptr<RemoteBytes>> at_work_;  ///< And some that have ended.
    BlockingPool threads_;
};

}  // namespace prewarm
