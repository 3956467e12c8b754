/// A bounded hand-over of bytes from a download to an upload.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace prewarm {

/// Hands bytes from a download to an upload, holding `capacity_bytes` and at most one chunk more.
/// Lives on one loop's thread and does no I/O.
///
/// A full pipe takes 0 bytes and an empty one gives 0: the transfer at that end pauses, until
/// `on_space` or `on_data` says that it is worth trying again. Both may be called from within
/// `read`, `write`, `close` and `break_off`: a transfer is resumed from a posted call.
class BytePipe {
public:
    explicit BytePipe(std::size_t capacity_bytes);

    std::function<void()> on_space;  ///< For the writer: it was refused, and there is room now.
    std::function<void()> on_data;   ///< For the reader: it got nothing, and now there is
                                     ///< something to read, or the end, or a failure.

    std::size_t write(std::span<const char> bytes);  ///< Bytes taken: all or none.
    std::size_t read(std::span<char> into);  ///< Bytes given; 0 is "not yet" until `drained()`.

    void close();      ///< The download ended well.
    void break_off();  ///< It failed: the upload must fail too. What is held is dropped.

    bool drained() const { return closed_ && size_ == 0; }
    bool broken() const { return broken_; }
    std::size_t size_bytes() const { return size_; }

private:
    void tell_reader();

    std::vector<char> ring_;  ///< Grows once to capacity and a chunk.
    std::size_t capacity_;
    std::size_t begin_ = 0;
    std::size_t size_ = 0;
    bool closed_ = false;
    bool broken_ = false;
    bool writer_waits_ = false;
    bool reader_waits_ = false;
};

}  // namespace prewarm
