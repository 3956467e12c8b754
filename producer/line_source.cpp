#include "producer/line_source.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace prewarm::producer {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

bool may_block(int descriptor) {
    struct stat status{};
    return fstat(descriptor, &status) == 0 &&
           (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || isatty(descriptor) != 0);
}

}  // namespace

Result<LineSource> LineSource::open(asio::any_io_executor executor, const std::string& path,
                                    std::size_t longest_line_bytes) {
    const int descriptor =
        path == "-" ? dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        const std::error_code error{errno, std::generic_category()};
        return Failure{FailureKind::not_found, error.message()};
    }
    return LineSource{std::move(executor), descriptor, longest_line_bytes};
}

LineSource::LineSource(asio::any_io_executor executor, int descriptor,
                       std::size_t longest_line_bytes)
    : descriptor_{std::move(executor), descriptor},
      must_wait_{may_block(descriptor)},
      longest_line_bytes_{longest_line_bytes} {}

Task<std::optional<Line>> LineSource::next() {
    Line line;
    for (;;) {
        if (take_line(line)) {
            line.number = ++number_;
            co_return std::optional{std::move(line)};
        }
        if (at_end_) co_return std::optional<Line>{};
        auto more = co_await read_more();
        if (!more) co_return more.error();
        at_end_ = !*more;
    }
}

/// Moves what there is of the line into `line`. True when that is all of it.
bool LineSource::take_line(Line& line) {
    const auto newline = held_.find('\n', at_);
    const bool whole = newline != std::string::npos;
    const auto end = whole ? newline : held_.size();
    const auto room = longest_line_bytes_ - std::min(longest_line_bytes_, line.text.size());
    line.too_long = line.too_long || end - at_ > room;
    line.text.append(held_, at_, std::min(end - at_, room));
    at_ = whole ? end + 1 : end;
    if (whole && line.text.ends_with('\r')) line.text.pop_back();
    return whole || (at_end_ && !line.text.empty());
}

/// False at the end.
Task<bool> LineSource::read_more() {
    held_.resize(piece_bytes);
    at_ = 0;
    if (must_wait_) {
        // A read after this does not block: one byte is there, or the end.
        co_await descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                                        asio::use_awaitable);
    }
    const auto size = ::read(descriptor_.native_handle(), held_.data(), held_.size());
    held_.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    if (size < 0) {
        const std::error_code error{errno, std::generic_category()};
        co_return Failure{FailureKind::refused, error.message()};
    }
    co_return size > 0;
}

}  // namespace prewarm::producer
