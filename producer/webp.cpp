#include "producer/webp.hpp"

namespace prewarm::producer {
namespace {

constexpr std::size_t chunk_at = 12;  // Behind "RIFF", a size and "WEBP".
constexpr std::size_t data_at = 20;   // Behind the chunk's name and size.

std::uint32_t little_endian(std::string_view bytes) {
    std::uint32_t value = 0;
    for (auto at = bytes.size(); at > 0; --at)
        value = value << 8U | static_cast<unsigned char>(bytes[at - 1]);
    return value;
}

}  // namespace

std::optional<WebpPicture> webp_picture(std::string_view head) {
    if (head.size() < 30 || head.substr(0, 4) != "RIFF" || head.substr(8, 4) != "WEBP")
        return std::nullopt;
    const auto chunk = head.substr(chunk_at, 4);
    const auto data = head.substr(data_at, 10);
    if (chunk == "VP8 ") {
        constexpr std::uint32_t size_bits = 0x3fff;  // The other two say how to scale.
        if (data.substr(3, 3) != "\x9d\x01\x2a") return std::nullopt;
        return WebpPicture{little_endian(data.substr(6, 2)) & size_bits,
                           little_endian(data.substr(8, 2)) & size_bits};
    }
    if (chunk == "VP8L") {
        if (data[0] != '\x2f') return std::nullopt;
        const auto bits = little_endian(data.substr(1, 4));
        return WebpPicture{(bits & 0x3fffU) + 1, (bits >> 14U & 0x3fffU) + 1};
    }
    if (chunk == "VP8X") {
        constexpr unsigned char animation_flag = 0x02;
        return WebpPicture{little_endian(data.substr(4, 3)) + 1,
                           little_endian(data.substr(7, 3)) + 1,
                           (static_cast<unsigned char>(data[0]) & animation_flag) != 0};
    }
    return std::nullopt;
}

}  // namespace prewarm::producer
