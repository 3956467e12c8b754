/// What an MP4's index says, read as the file passes by.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace prewarm::sandbox {

/// Takes a file in pieces of any size and keeps a box's head at most, wherever the index stands.
/// A file that is no MP4 has nothing to say.
class Mp4Boxes {
public:
    void feed(std::string_view bytes);

    bool has_picture() const { return has_picture_; }
    bool has_sound() const { return has_sound_; }
    std::uint32_t width() const { return width_; }                        ///< Pixels; 0: not said.
    std::uint32_t height() const { return height_; }                      ///< Likewise.
    std::uint32_t duration_seconds() const { return duration_seconds_; }  ///< 0: not said.

private:
    void take_header();
    void take_content();
    void expect_header(std::uint64_t skip_first);

    std::string pending_;
    std::size_t wanted_bytes_ = 8;
    std::uint64_t skip_bytes_ = 0;
    std::string box_;                ///< Whose content is pending; empty: a box's header is.
    std::uint64_t after_bytes_ = 0;  ///< Of that box, behind what is pending.
    bool has_picture_ = false;
    bool has_sound_ = false;
    std::uint32_t width_ = 0;
    std::uint32_t height_ = 0;
    std::uint32_t duration_seconds_ = 0;
};

}  // namespace prewarm::sandbox
