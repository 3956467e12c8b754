/// As what kind a file is best given to Telegram, by its content.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/media.hpp"

namespace prewarm::producer {

struct FileContent {
    std::string mime_type;
    std::uint64_t bytes = 0;
    std::string_view head;  ///< Its first bytes: 64 are enough.
};

/// - JPEG, PNG and still WebP: photo, up to the 10 MiB that Telegram takes as one;
/// - WebP with one side of exactly 512 pixels, the other no longer, and at most 512 KiB: sticker;
/// - MP4: video. Without sound Telegram calls it an animation, which the header does not tell;
/// - GIF: animation;
/// - MP3, M4A: audio;
/// - Opus in Ogg: voice;
/// - everything else: document.
MediaKind kind_of(const FileContent& file);

/// `.jpg` for `image/jpeg`: by which Telegram knows a file's type. Empty if none is usual.
std::string_view usual_extension(std::string_view mime_type);

}  // namespace prewarm::producer
