/// Many little reads made into few large ones, and never more than is allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "common/probe/byte_source.hpp"

namespace prewarm::probe {

/// A place in a source, to read from. Reads whole blocks, more at a time where one follows the
/// other, and keeps the last megabyte of them.
class BlockReader {
public:
    static constexpr std::size_t block_bytes = 64 * 1024;
    static constexpr std::size_t most_blocks_at_once = 4;
    static constexpr std::size_t kept_blocks = 16;

    /// `source` outlives it. It is not asked for more than `most_bytes`, over all reads.
    BlockReader(ByteSource& source, std::uint64_t most_bytes)
        : source_{source}, left_bytes_{most_bytes} {}

    std::uint64_t size_bytes() const { return source_.size_bytes(); }
    std::uint64_t position() const { return position_; }
    /// Anywhere: what is behind the end is empty.
    void seek(std::uint64_t position) { position_ = position; }

    /// Bytes given, at most those of one block; 0 at the end, when no more may be read, and after
    /// a failure of the source's.
    std::size_t read(std::span<std::uint8_t> into);

    /// These bytes read as zeros from now on, and cost nothing.
    void blank(std::uint64_t first, std::uint64_t end);

    /// Something was not given because the source failed, or because no more may be read.
    const std::optional<Failure>& failure() const { return failure_; }
    bool is_spent() const { return is_spent_; }
    std::uint64_t left_bytes() const { return left_bytes_; }
    /// Behind the last byte that was read of the source.
    std::uint64_t furthest() const { return furthest_; }

private:
    struct Block {
        std::uint64_t number = 0;
        std::vector<std::uint8_t> bytes;
    };

    const Block* block(std::uint64_t number);
    const Block* kept(std::uint64_t number) const;
    bool fetch(std::uint64_t first, std::size_t count);

    ByteSource& source_;
    std::uint64_t left_bytes_;
    std::uint64_t position_ = 0;
    std::deque<Block> blocks_;  ///< Oldest first.
    std::uint64_t next_ = 0;    ///< Behind the last block that was fetched,
    std::size_t run_ = 0;       ///< of so many at once.
    std::uint64_t blank_first_ = 0;
    std::uint64_t blank_end_ = 0;
    std::uint64_t furthest_ = 0;
    std::optional<Failure> failure_;
    bool is_spent_ = false;
};

}  // namespace prewarm::probe
