#include "sandbox/telegram/mp4_boxes.hpp"

#include <algorithm>

#include "sandbox/telegram/number_at.hpp"

namespace prewarm::sandbox {
namespace {

constexpr std::size_t header_bytes = 8;
constexpr std::size_t long_header_bytes = 16;
constexpr std::uint64_t looked_at_bytes = 96;  // Of a box: a track header, the longest, has these.

bool holds_boxes(std::string_view box) {
    return box == "moov" || box == "trak" || box == "mdia";
}

bool is_looked_at(std::string_view box) {
    return box == "hdlr" || box == "tkhd" || box == "mvhd";
}

}  // namespace

void Mp4Boxes::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (skip_bytes_ > 0) {
            const auto size = std::min<std::uint64_t>(skip_bytes_, bytes.size());
            skip_bytes_ -= size;
            bytes.remove_prefix(static_cast<std::size_t>(size));
            continue;
        }
        const auto size = std::min(wanted_bytes_ - pending_.size(), bytes.size());
        pending_ += bytes.substr(0, size);
        bytes.remove_prefix(size);
        if (pending_.size() < wanted_bytes_) return;
        if (box_.empty()) {
            take_header();
        } else {
            take_content();
        }
    }
}

void Mp4Boxes::expect_header(std::uint64_t skip_first) {
    pending_.clear();
    box_.clear();
    wanted_bytes_ = header_bytes;
    skip_bytes_ = skip_first;
}

void Mp4Boxes::take_header() {
    auto size = number_at(pending_, 0, 4);
    if (size == 1 && pending_.size() == header_bytes) {
        wanted_bytes_ = long_header_bytes;
        return;
    }
    if (size == 1) size = number_at(pending_, 8, 8);
    // What reaches to the file's end, or is no box at all, ends the search.
    if (size < pending_.size()) return expect_header(UINT64_MAX);
    const auto content = size - pending_.size();
    auto box = pending_.substr(4, 4);
    if (holds_boxes(box)) return expect_header(0);
    if (!is_looked_at(box) || content == 0) return expect_header(content);
    pending_.clear();
    box_ = std::move(box);
    wanted_bytes_ = static_cast<std::size_t>(std::min(content, looked_at_bytes));
    after_bytes_ = content - wanted_bytes_;
}

void Mp4Boxes::take_content() {
    const bool is_long = number_at(pending_, 0, 1) == 1;  // Times of eight bytes.
    if (box_ == "hdlr") {
        const auto handler = pending_.size() >= 12 ? pending_.substr(8, 4) : std::string{};
        has_picture_ = has_picture_ || handler == "vide";
        has_sound_ = has_sound_ || handler == "soun";
    } else if (box_ == "tkhd") {
        // In 1/65536 of a pixel; 0 for a track without a picture.
        width_ =
            std::max(width_, static_cast<std::uint32_t>(number_at(pending_, is_long ? 88 : 76, 2)));
        height_ = std::max(height_,
                           static_cast<std::uint32_t>(number_at(pending_, is_long ? 92 : 80, 2)));
    } else if (const auto timescale = number_at(pending_, is_long ? 20 : 12, 4); timescale > 0) {
        const auto duration = is_long ? number_at(pending_, 24, 8) : number_at(pending_, 16, 4);
        duration_seconds_ = static_cast<std::uint32_t>(duration / timescale);
    }
    expect_header(after_bytes_);
}

}  // namespace prewarm::sandbox
