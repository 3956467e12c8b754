#include "sandbox/telegram/content.hpp"

#include <algorithm>

#include "sandbox/telegram/number_at.hpp"

namespace prewarm::sandbox {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t head_bytes = 64UL * 1024;

Format format_of_boxes(std::string_view head) {
    const auto box = head.substr(std::min<std::size_t>(4, head.size()), 4);
    if (box == "ftyp") return head.substr(8, 2) == "qt" ? Format::quicktime : Format::mp4;
    // Before there was ftyp.
    if (box == "moov" || box == "mdat" || box == "wide") return Format::quicktime;
    return Format::unknown;
}

/// The first packet of the first page names the codec.
Format format_of_ogg(std::string_view head) {
    return head.substr(0, 64).find("OpusHead") != std::string_view::npos ? Format::opus
                                                                         : Format::ogg;
}

/// MPEG audio of layer III, where no ID3 stands before it.
bool begins_with_mp3_frame(std::string_view head) {
    const auto frame = number_at(head, 0, 4);
    const auto bitrate = frame >> 12U & 0xFU;
    return (frame & 0xFFE60000U) == 0xFFE20000U && bitrate != 0 && bitrate != 0xF;
}

Format format_of(std::string_view head) {
    if (head.starts_with("\xFF\xD8\xFF")) return Format::jpeg;
    if (head.starts_with("\x89PNG\r\n\x1A\n")) return Format::png;
    if (head.starts_with("GIF87a") || head.starts_with("GIF89a")) return Format::gif;
    if (head.starts_with("RIFF") && head.size() >= 12 && head.substr(8, 4) == "WEBP")
        return Format::webp;
    if (head.starts_with("II*\0"sv) || head.starts_with("MM\0*"sv)) return Format::tiff;
    if (head.starts_with("BM")) return Format::bmp;
    if (head.starts_with("\x1A\x45\xDF\xA3")) return Format::matroska;
    if (head.starts_with("OggS")) return format_of_ogg(head);
    if (head.starts_with("fLaC")) return Format::flac;
    if (head.starts_with("ID3") || begins_with_mp3_frame(head)) return Format::mp3;
    if (head.starts_with("\x1F\x8B")) return Format::gzip;
    return format_of_boxes(head);
}

struct Size {
    std::uint64_t width = 0;
    std::uint64_t height = 0;
};

/// Walks the segments up to the one that begins a frame.
Size size_of_jpeg(std::string_view head) {
    for (std::size_t at = 2; at + 4 <= head.size();) {
        const auto marker = number_at(head, at, 2);
        if (marker < 0xFFC0U) return {};
        const bool begins_frame =
            marker <= 0xFFCFU && marker != 0xFFC4U && marker != 0xFFC8U && marker != 0xFFCCU;
        if (begins_frame) return {number_at(head, at + 7, 2), number_at(head, at + 5, 2)};
        at += 2 + static_cast<std::size_t>(number_at(head, at + 2, 2));
    }
    return {};
}

Size size_of_webp(std::string_view head) {
    const auto chunk = head.substr(12, 4);
    if (chunk == "VP8X")
        return {little_number_at(head, 24, 3) + 1, little_number_at(head, 27, 3) + 1};
    if (chunk == "VP8L") {
        const auto bits = little_number_at(head, 21, 4);
        return {(bits & 0x3FFFU) + 1, (bits >> 14U & 0x3FFFU) + 1};
    }
    return {little_number_at(head, 26, 2) & 0x3FFFU, little_number_at(head, 28, 2) & 0x3FFFU};
}

Size size_of(Format format, std::string_view head) {
    switch (format) {
        case Format::jpeg:
            return size_of_jpeg(head);
        case Format::png:
            return {number_at(head, 16, 4), number_at(head, 20, 4)};
        case Format::gif:
            return {little_number_at(head, 6, 2), little_number_at(head, 8, 2)};
        case Format::webp:
            return size_of_webp(head);
        case Format::bmp:
            return {little_number_at(head, 18, 4), little_number_at(head, 22, 4)};
        default:
            return {};
    }
}

}  // namespace

void ContentReader::feed(std::string_view bytes) {
    if (head_.size() < head_bytes) head_ += bytes.substr(0, head_bytes - head_.size());
    boxes_.feed(bytes);
}

Content ContentReader::content() const {
    Content content{.format = format_of(head_)};
    if (content.format == Format::mp4 || content.format == Format::quicktime) {
        content.width = boxes_.width();
        content.height = boxes_.height();
        content.duration_seconds = boxes_.duration_seconds();
        content.has_picture = boxes_.has_picture();
        content.has_sound = boxes_.has_sound();
        return content;
    }
    const auto size = size_of(content.format, head_);
    content.width = static_cast<std::uint32_t>(size.width);
    content.height = static_cast<std::uint32_t>(size.height);
    return content;
}

}  // namespace prewarm::sandbox
