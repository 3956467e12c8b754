/// The size of a WebP picture, from its header.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace prewarm::producer {

struct WebpPicture {
    std::uint32_t width = 0;   ///< Pixels.
    std::uint32_t height = 0;  ///< Pixels.
    bool animated = false;

    bool operator==(const WebpPicture&) const = default;
};

/// `head` is the beginning of the file: 30 bytes are enough. Nothing if it is no WebP picture.
/// Layouts: RFC 6386 section 9.1 (VP8), RFC 9649 (VP8L, VP8X).
std::optional<WebpPicture> webp_picture(std::string_view head);

}  // namespace prewarm::producer
