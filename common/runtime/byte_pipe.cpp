#include "common/runtime/byte_pipe.hpp"

#include <algorithm>

namespace prewarm {

BytePipe::BytePipe(std::size_t capacity_bytes) : capacity_{capacity_bytes} {}

std::size_t BytePipe::write(std::span<const char> bytes) {
    if (broken_) return bytes.size();  // Nobody will read it: let the download end by itself.
    if (size_ != 0 && size_ + bytes.size() > capacity_) {
        writer_waits_ = true;
        return 0;
    }
    if (size_ + bytes.size() > ring_.size()) {
        // The ring is as large as what was ever held at once, so a small object costs little.
        std::vector<char> larger(
            std::max(std::min(2 * ring_.size(), capacity_), size_ + bytes.size()));
        const auto first = std::min(size_, ring_.size() - begin_);
        std::copy_n(ring_.begin() + static_cast<std::ptrdiff_t>(begin_), first, larger.begin());
        std::copy_n(ring_.begin(), size_ - first,
                    larger.begin() + static_cast<std::ptrdiff_t>(first));
        ring_ = std::move(larger);
        begin_ = 0;
    }
    const auto end = (begin_ + size_) % ring_.size();
    const auto first = std::min(bytes.size(), ring_.size() - end);
    std::copy_n(bytes.begin(), first, ring_.begin() + static_cast<std::ptrdiff_t>(end));
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(first), bytes.size() - first,
                ring_.begin());
    size_ += bytes.size();
    tell_reader();
    return bytes.size();
}

std::size_t BytePipe::read(std::span<char> into) {
    const auto given = std::min(into.size(), size_);
    if (given == 0) {
        reader_waits_ = true;
        return 0;
    }
    const auto first = std::min(given, ring_.size() - begin_);
    std::copy_n(ring_.begin() + static_cast<std::ptrdiff_t>(begin_), first, into.begin());
    std::copy_n(ring_.begin(), given - first, into.begin() + static_cast<std::ptrdiff_t>(first));
    begin_ = (begin_ + given) % ring_.size();
    size_ -= given;
    if (writer_waits_) {
        writer_waits_ = false;
        if (on_space) on_space();
    }
    return given;
}

void BytePipe::close() {
    closed_ = true;
    tell_reader();
}

void BytePipe::break_off() {
    broken_ = true;
    size_ = 0;
    tell_reader();
}

void BytePipe::tell_reader() {
    if (!reader_waits_) return;
    reader_waits_ = false;
    if (on_data) on_data();
}

}  // namespace prewarm
