/// Where the bytes of an object come from: R2, or a copy of a moment ago.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/downloads/download_cache.hpp"
#include "common/runtime/byte_pipe.hpp"
#include "common/s3/object_reader.hpp"

namespace prewarm {

/// An object that is about to be read. One of the two reads takes it, once.
class ObjectSource {
public:
    virtual ~ObjectSource() = default;

    virtual std::uint64_t size_bytes() const = 0;
    virtual std::uint64_t taken_bytes() const = 0;  ///< From R2, so far.
    virtual std::uint64_t resumes() const = 0;      ///< Of the read from R2, so far.
    /// What `read_into` holds besides the pipe.
    virtual std::size_t held_bytes() const = 0;

    /// As s3::OpenObject's: the last bytes are given only when all have turned out right.
    virtual Task<> read_into(BytePipe& pipe) = 0;
    virtual Task<std::string> read_all() = 0;
};

struct OpenedSource {
    std::unique_ptr<ObjectSource> object;
    /// Should reading it fail, the object is to be read from R2.
    bool is_copy = false;
    s3::Version version;  ///< In R2; of a copy, only the size is known.
    std::optional<std::chrono::microseconds> first_byte{};  ///< Of R2.
    std::optional<downloads::CacheResult> cache{};          ///< Nothing where there is none.
};

/// One loop's thread. Reader and cache outlive it and what it opened.
class ObjectSources {
public:
    /// `cache` may be null. `most_held_bytes` is for what a read holds, the courier's pipe
    /// included.
    ObjectSources(s3::ObjectReader& reader, downloads::DownloadCache* cache,
                  std::size_t most_held_bytes)
        : reader_{reader}, cache_{cache}, piece_bytes_{most_held_bytes / 4} {}

    /// As s3::ObjectReader's; R2 is asked only for what the cache has not. What is downloaded is
    /// kept for others on the way.
    Task<OpenedSource> open(s3::ObjectName name, s3::Announced announced, Deadline deadline);
    /// Past the cache.
    Task<OpenedSource> open_in_r2(s3::ObjectName name, s3::Announced announced, Deadline deadline);

private:
    s3::ObjectReader& reader_;
    downloads::DownloadCache* cache_;
    std::size_t piece_bytes_;
};

}  // namespace prewarm
