/// The two ends of a BytePipe for coroutines.
#pragma once

#include <cstddef>
#include <span>

#include <boost/asio/awaitable.hpp>

#include "common/runtime/byte_pipe.hpp"
#include "common/runtime/deadline.hpp"

namespace prewarm {

/// A pipe's writer; the only one. However it ends, the pipe does not call back, and its reader does
/// not wait for ever: what was not closed is broken off.
class PipeWriter {
public:
    explicit PipeWriter(BytePipe& pipe) : pipe_{pipe} {}
    ~PipeWriter();
    PipeWriter(const PipeWriter&) = delete;
    PipeWriter& operator=(const PipeWriter&) = delete;

    /// Once there is room for them; the caller keeps `bytes` alive. `transient` when time is up.
    Task<> write(std::span<const char> bytes, Deadline deadline);
    void close() { is_complete_ = true; }  ///< All was written.

private:
    BytePipe& pipe_;
    bool is_complete_ = false;
};

/// Waits for bytes, of which it gives as many as are there and fit: none at the end, and none when
/// the pipe is broken. The caller keeps both alive.
asio::awaitable<std::size_t> read_some(BytePipe& pipe, std::span<char> into);

}  // namespace prewarm
