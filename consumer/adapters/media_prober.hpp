/// Finds out of an object in R2 what its upload does not tell and Telegram will not find out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/base/upload.hpp"
#include "common/probe/probe.hpp"
#include "common/runtime/deadline.hpp"
#include "common/s3/object_reader.hpp"
#include "common/telegram/bot_client.hpp"

namespace prewarm {

/// Whether Telegram would store a media of this size without its size, length or thumbnail.
bool needs_probe(const telegram::OutgoingMedia& media, std::uint64_t size_bytes);

/// prewarm-probe beside the program that runs.
std::string probe_program_beside_us();

/// Has containers probed in processes of their own, one each, which ask it for the object's bytes.
/// A hostile file may take such a process down, or over: it knows nothing, and this does not trust
/// it. One loop's thread; the reader outlives it.
class MediaProber {
public:
    /// `at_once` processes: other probes wait for one of them to end.
    MediaProber(s3::ObjectReader& reader, std::string program, std::size_t at_once);
    MediaProber(const MediaProber&) = delete;
    MediaProber& operator=(const MediaProber&) = delete;

    /// Fills in what `media` lacks, as far as it can be found out in time, and logs what that was;
    /// what it has stays. The bytes that it took from R2. `media` is kept alive by the caller.
    asio::awaitable<std::uint64_t> complete(telegram::OutgoingMedia& media, const Upload& upload,
                                            s3::ObjectName object, s3::Version version,
                                            Deadline deadline);

private:
    class Room;
    struct Reads {
        std::uint64_t bytes = 0;
        int count = 0;
    };

    Task<probe::Found> probe(const s3::ObjectName& object, const s3::Version& version,
                             Deadline deadline, Reads& reads);
    Task<probe::Found> probe_now(const s3::ObjectName& object, const s3::Version& version,
                                 Deadline deadline, Reads& reads);
    Task<std::string> read(const s3::ObjectName& object, const s3::Version& version,
                           const probe::Limits& limits, std::uint64_t first, std::uint64_t size,
                           Reads& reads);

    s3::ObjectReader& reader_;
    std::string program_;
    std::shared_ptr<Room> room_;
};

}  // namespace prewarm
