/// A video's picture made small. Private to this module.
#pragma once

#include <cstdint>
#include <string>

#include "common/probe/libav.hpp"

namespace prewarm::probe {

/// How a stored picture is to be shown. `width` and `height` are as shown; 0 when they cannot be.
struct Shape {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    // From where a shown pixel is taken: the axes are exchanged first.
    bool exchanges_axes = false;
    bool mirrors_x = false;
    bool mirrors_y = false;
};

/// By the display matrix, as far as it turns by quarters and mirrors, and by the pixels' shape.
Shape shape_of(AVFormatContext& file, AVStream& stream);

/// The picture in `frame` as a JPEG that Telegram takes for a thumbnail; empty when there is no
/// making one.
std::string thumbnail_of(const AVFrame& frame, const Shape& shape);

}  // namespace prewarm::probe
