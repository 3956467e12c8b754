/// An object that is read from disk instead of R2.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/media.hpp"
#include "common/runtime/byte_pipe.hpp"
#include "common/runtime/deadline.hpp"

namespace prewarm::downloads {

class Copy;
class DownloadCache;

/// Its file stays as long as this lives. One of the two reads takes it, once; after a failure,
/// which is the disk's, the file is given up.
class CachedObject {
public:
    CachedObject(DownloadCache& cache, Sha256 sha256, std::uint64_t id, std::uint64_t bytes);
    ~CachedObject();
    CachedObject(CachedObject&&) noexcept;
    CachedObject& operator=(CachedObject&&) = delete;

    std::uint64_t size_bytes() const;

    /// As s3::OpenObject's: whoever got the last bytes got the right ones; otherwise, and when
    /// cancelled, the pipe is broken off. The caller keeps the pipe alive. `piece_bytes` are held.
    Task<> read_into(BytePipe& pipe, std::size_t piece_bytes, Deadline deadline);
    Task<std::string> read_all();

private:
    friend class DownloadCache;
    struct State;

    asio::awaitable<bool> open();
    Task<std::string> next(std::size_t most);
    template <class T>
    Failure give_up(std::optional<Result<T>> answer);

    std::unique_ptr<State> state_;
};

}  // namespace prewarm::downloads
