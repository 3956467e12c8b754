/// Lines of a file, or of whatever stands behind stdin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "common/base/failure.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::producer {

struct Line {
    std::uint64_t number = 0;  ///< From 1 on.
    std::string text;          ///< Without its end. Cut if it was too long.
    bool too_long = false;
};

/// Holds one line at a time, waits for slow pipes without blocking the loop, and can be cancelled
/// meanwhile. One loop's thread.
class LineSource {
public:
    /// `path` may be `-` for stdin. `not_found` when it cannot be opened.
    static Result<LineSource> open(asio::any_io_executor executor, const std::string& path,
                                   std::size_t longest_line_bytes);

    /// Nothing at the end; the last line needs no newline. `refused` when reading fails.
    Task<std::optional<Line>> next();

private:
    LineSource(asio::any_io_executor executor, int descriptor, std::size_t longest_line_bytes);
    Task<bool> read_more();
    bool take_line(Line& line);

    asio::posix::stream_descriptor descriptor_;
    bool must_wait_;  ///< Files cannot be waited for, and need not be.
    std::size_t longest_line_bytes_;
    std::string held_;
    std::size_t at_ = 0;  ///< What is before this was taken.
    std::uint64_t number_ = 0;
    bool at_end_ = false;
};

}  // namespace prewarm::producer
