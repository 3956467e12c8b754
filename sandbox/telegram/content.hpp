/// What a file's bytes say of it, as far as Telegram's choice of a kind depends on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/telegram/mp4_boxes.hpp"

namespace prewarm::sandbox {

enum class Format : std::uint8_t {
    unknown,
    jpeg,
    png,
    gif,
    webp,
    bmp,
    tiff,
    mp4,  ///< M4A, too.
    quicktime,
    matroska,  ///< WebM, too.
    opus,      ///< In Ogg.
    ogg,       ///< With anything else in it.
    flac,
    mp3,
    gzip,  ///< What an animated sticker is packed with.
};

struct Content {
    Format format = Format::unknown;
    std::uint32_t width = 0;             ///< Pixels, of a picture or an MP4; 0: not found.
    std::uint32_t height = 0;            ///< Likewise.
    std::uint32_t duration_seconds = 0;  ///< Of an MP4; 0: not found.
    bool has_picture = false;            ///< Of an MP4: it shows something.
    bool has_sound = false;              ///< Of an MP4.
};

/// Takes a file in pieces of any size. Keeps its first 64 KiB, where a JPEG's size stands unless
/// its maker put an album in front of it.
class ContentReader {
public:
    void feed(std::string_view bytes);
    Content content() const;

private:
    std::string head_;
    Mp4Boxes boxes_;
};

}  // namespace prewarm::sandbox
