#include "producer/progress.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/runtime/deadline.hpp"
#include "producer/output.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view line_start = "\r\x1b[K";  // And erase what is there.

std::string bar(double part, std::size_t cells) {
    const auto full = static_cast<std::size_t>(part * static_cast<double>(cells));
    return fmt::format("[{}{}]", std::string(full, '#'), std::string(cells - full, '.'));
}

template <class Any>
asio::awaitable<void> draw(const Any& progress, std::ostream& terminal) {
    const auto started = std::chrono::steady_clock::now();
    for (;;) {
        const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - started);
        terminal << line_start << progress_line(progress, elapsed, terminal_width() - 1)
                 << std::flush;
        co_await sleep_for(200ms);
    }
}

}  // namespace

std::string progress_line(const Progress& progress, std::chrono::milliseconds elapsed,
                          std::size_t width) {
    const double part = progress.bytes == 0
                            ? 0.0
                            : std::min(1.0, static_cast<double>(progress.bytes_done) /
                                                static_cast<double>(progress.bytes));
    auto line = fmt::format("{} {:3.0f}%  {}/{} files  {}/{}", bar(part, 20), part * 100,
                            progress.files_done, progress.files, shown_bytes(progress.bytes_done),
                            shown_bytes(progress.bytes));
    if (progress.bytes_done > 0 && elapsed >= 1s) {
        // A file that grows meanwhile brings more bytes than were counted at first.
        const auto left =
            static_cast<double>(progress.bytes - std::min(progress.bytes, progress.bytes_done));
        const auto rate = static_cast<double>(progress.bytes_done) /
                          std::chrono::duration<double>{elapsed}.count();
        const std::chrono::milliseconds eta{static_cast<std::int64_t>(left / rate * 1000)};
        line += fmt::format("  {}/s  ETA {}", shown_bytes(static_cast<std::uint64_t>(rate)),
                            shown_duration(eta));
    }
    return line.substr(0, width);
}

std::string progress_line(const MessageProgress& progress, std::chrono::milliseconds elapsed,
                          std::size_t width) {
    const double part =
        progress.all == 0 ? 0.0
                          : static_cast<double>(progress.done) / static_cast<double>(progress.all);
    auto line = fmt::format("{} {:3.0f}%  {}/{} messages", bar(part, 20), part * 100, progress.done,
                            progress.all);
    if (progress.done > 0 && elapsed >= 1s) {
        const auto rate =
            static_cast<double>(progress.done) / std::chrono::duration<double>{elapsed}.count();
        const auto left = static_cast<double>(progress.all - progress.done) / rate;
        const std::chrono::milliseconds eta{static_cast<std::int64_t>(left * 1000)};
        line += fmt::format("  {:.1f}/s  ETA {}", rate, shown_duration(eta));
    }
    return line.substr(0, width);
}

std::size_t terminal_width() {
    winsize size{};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

asio::awaitable<void> draw_progress(const Progress& progress, std::ostream& terminal) {
    return draw(progress, terminal);
}

asio::awaitable<void> draw_progress(const MessageProgress& progress, std::ostream& terminal) {
    return draw(progress, terminal);
}

void erase_progress(std::ostream& terminal) {
    terminal << line_start << std::flush;
}

}  // namespace prewarm::producer
