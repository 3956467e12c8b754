#include "common/probe/block_reader.hpp"

#include <algorithm>

namespace prewarm::probe {

std::size_t BlockReader::read(std::span<std::uint8_t> into) {
    const auto size = source_.size_bytes();
    if (position_ >= size || into.empty()) return 0;
    if (position_ >= blank_first_ && position_ < blank_end_) {
        const auto zeros = std::min<std::uint64_t>(into.size(), blank_end_ - position_);
        std::ranges::fill(into.first(static_cast<std::size_t>(zeros)), std::uint8_t{0});
        position_ += zeros;
        return static_cast<std::size_t>(zeros);
    }
    const auto* found = block(position_ / block_bytes);
    if (found == nullptr) return 0;
    const auto at = static_cast<std::size_t>(position_ % block_bytes);
    auto given = std::min(into.size(), found->bytes.size() - at);
    if (position_ < blank_first_)
        given = static_cast<std::size_t>(std::min<std::uint64_t>(given, blank_first_ - position_));
    std::copy_n(found->bytes.begin() + static_cast<std::ptrdiff_t>(at), given, into.begin());
    position_ += given;
    return given;
}

void BlockReader::blank(std::uint64_t first, std::uint64_t end) {
    blank_first_ = first;
    blank_end_ = std::min(end, source_.size_bytes());
}

const BlockReader::Block* BlockReader::kept(std::uint64_t number) const {
    const auto found = std::ranges::find(blocks_, number, &Block::number);
    return found == blocks_.end() ? nullptr : &*found;
}

const BlockReader::Block* BlockReader::block(std::uint64_t number) {
    if (const auto* found = kept(number)) return found;
    if (failure_) return nullptr;
    const auto count = number == next_ && run_ != 0 ? std::min(2 * run_, most_blocks_at_once) : 1;
    if (!fetch(number, count)) return nullptr;
    return kept(number);
}

bool BlockReader::fetch(std::uint64_t first, std::size_t count) {
    const auto begin = first * block_bytes;
    const auto end = std::min<std::uint64_t>(begin + count * block_bytes, source_.size_bytes());
    auto bytes = end - begin;
    if (bytes > left_bytes_) bytes = left_bytes_ / block_bytes * block_bytes;
    if (bytes == 0) {
        is_spent_ = true;
        return false;
    }
    std::vector<std::uint8_t> fetched(static_cast<std::size_t>(bytes));
    if (auto read = source_.read_at(begin, fetched); !read) {
        failure_ = std::move(read.error());
        return false;
    }
    left_bytes_ -= bytes;
    furthest_ = std::max(furthest_, begin + bytes);
    const std::span all{fetched};
    run_ = 0;
    for (std::size_t at = 0; at < all.size(); at += block_bytes) {
        const auto piece = all.subspan(at, std::min(block_bytes, all.size() - at));
        const auto number = first + run_++;
        if (kept(number) == nullptr) blocks_.push_back({number, {piece.begin(), piece.end()}});
    }
    next_ = first + run_;
    while (blocks_.size() > kept_blocks)
        blocks_.pop_front();
    return true;
}

}  // namespace prewarm::probe
