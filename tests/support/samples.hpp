/// The small real files of tests/samples. Needs PREWARM_SAMPLES from the target.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "common/base/media.hpp"

namespace prewarm::test {

struct Sample {
    const char* file_name;
    const char* mime_type;
};

inline Sample sample_of(MediaKind kind) {
    switch (kind) {
        case MediaKind::photo:
            return {"photo.jpg", "image/jpeg"};
        case MediaKind::video:
            return {"video.mp4", "video/mp4"};
        case MediaKind::animation:
            return {"animation.mp4", "video/mp4"};
        case MediaKind::audio:
            return {"audio.mp3", "audio/mpeg"};
        case MediaKind::voice:
            return {"voice.ogg", "audio/ogg"};
        case MediaKind::video_note:
            return {"video_note.mp4", "video/mp4"};
        case MediaKind::document:
            return {"document.pdf", "application/pdf"};
        case MediaKind::sticker:
            return {"sticker.webp", "image/webp"};
    }
    throw std::invalid_argument{"no such kind"};
}

inline std::string bytes_of(const Sample& sample) {
    std::ifstream file{std::string{PREWARM_SAMPLES "/"} + sample.file_name, std::ios::binary};
    if (!file) throw std::runtime_error{std::string{sample.file_name} + " cannot be read"};
    return {std::istreambuf_iterator{file}, {}};
}

}  // namespace prewarm::test
