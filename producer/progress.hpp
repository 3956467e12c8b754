/// How far a command is, on one line of a terminal.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace prewarm::producer {

/// Of an upload.
struct Progress {
    std::uint64_t files_done = 0;
    std::uint64_t files = 0;
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes = 0;
};

/// `[#####.....]  50%  12/24 files  1.2/2.4 GB  35.1 MB/s  ETA 34 s`, at most `width` characters.
std::string progress_line(const Progress& progress, std::chrono::milliseconds elapsed,
                          std::size_t width);

/// Of a replay.
struct MessageProgress {
    std::uint64_t done = 0;
    std::uint64_t all = 0;
};

/// `[#####.....]  50%  12/24 messages  4.0/s  ETA 3 s`, at most `width` characters.
std::string progress_line(const MessageProgress& progress, std::chrono::milliseconds elapsed,
                          std::size_t width);

/// Columns of the terminal at stderr; 80 if it does not tell.
std::size_t terminal_width();

/// Draws `progress`, which the caller keeps alive and changes, until cancelled. One loop's thread.
boost::asio::awaitable<void> draw_progress(const Progress& progress, std::ostream& terminal);
boost::asio::awaitable<void> draw_progress(const MessageProgress& progress, std::ostream& terminal);

/// Removes the line that was drawn last.
void erase_progress(std::ostream& terminal);

}  // namespace prewarm::producer
