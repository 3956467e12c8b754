/// What a container says of the media in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "common/base/failure.hpp"
#include "common/probe/byte_source.hpp"

namespace prewarm::probe {

/// What finding out may cost.
struct Limits {
    std::uint64_t read_bytes = 983'040;  ///< Of the source, in blocks of 64 KiB.
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
    /// A larger picture is not decoded: this one takes about 40 MB meanwhile.
    std::int64_t picture_pixels = 4096 * 2304;
};

/// Zero or empty: it does not say, or not within the limits.
struct Found {
    std::uint32_t width = 0;   ///< As it is shown: turned, and with its pixels made square.
    std::uint32_t height = 0;  ///< Likewise.
    std::chrono::milliseconds duration{0};
    bool has_sound = false;
    std::string title;      ///< UTF-8 without control characters.
    std::string performer;  ///< Likewise.
    /// JPEG of the first picture that may be read, or of the cover: at most 320x320 and
    /// most_thumbnail_bytes.
    std::string thumbnail;
};

/// MP4, MOV, M4A, MKV, WebM, GIF, MP3, Ogg, FLAC and WAV: whatever else a file claims to be is
/// `refused`, and what it refers to is not opened. A file may be cut short or hostile. A failure
/// of the source's is returned only if nothing was found out before it.
///
/// Blocks, and uses about 50 MB at most for what it was made for. Any thread; throws nothing but
/// std::bad_alloc.
Result<Found> probe(ByteSource& source, const Limits& limits);

}  // namespace prewarm::probe
