/// The least that is a file of some format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace prewarm::sandbox::test {

inline std::string big_endian(std::uint64_t number, int size) {
    std::string bytes;
    for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
        bytes += static_cast<char>(number >> static_cast<unsigned>(shift));
    return bytes;
}

inline std::string little_endian(std::uint64_t number, int size) {
    const auto bytes = big_endian(number, size);
    return {bytes.rbegin(), bytes.rend()};
}

inline std::string box(std::string_view type, const std::string& content) {
    return big_endian(content.size() + 8, 4) + std::string{type} + content;
}

struct Film {
    bool has_picture = true;
    bool has_sound = false;
    std::uint32_t width = 320;
    std::uint32_t height = 240;
    std::uint32_t seconds = 2;
    bool index_is_last = false;
    std::string brand = "isom";
};

inline std::string track(std::string_view handler, std::uint32_t width, std::uint32_t height) {
    return box("trak", box("tkhd", std::string(76, '\0') + big_endian(width << 16U, 4) +
                                       big_endian(height << 16U, 4)) +
                           box("mdia", box("hdlr", std::string(8, '\0') + std::string{handler} +
                                                       std::string(12, '\0'))));
}

inline std::string mp4(const Film& film) {
    const auto type = box("ftyp", film.brand + std::string(4, '\0'));
    auto tracks =
        box("mvhd", std::string(12, '\0') + big_endian(1000, 4) +
                        big_endian(std::uint64_t{film.seconds} * 1000, 4) + std::string(80, '\0'));
    if (film.has_picture) tracks += track("vide", film.width, film.height);
    if (film.has_sound) tracks += track("soun", 0, 0);
    const auto index = box("moov", tracks);
    // What is in it is not looked at, whatever it looks like.
    const auto content = box("mdat", track("soun", 9, 9) + std::string(500, 'x'));
    return film.index_is_last ? type + content + index : type + index + content;
}

inline std::string png(std::uint32_t width, std::uint32_t height) {
    return "\x89PNG\r\n\x1A\n" + big_endian(13, 4) + "IHDR" + big_endian(width, 4) +
           big_endian(height, 4) + std::string(5, '\0');
}

inline std::string gif() {
    return "GIF89a" + little_endian(40, 2) + little_endian(30, 2) + std::string(20, '\0');
}

inline std::string jpeg(std::uint32_t width, std::uint32_t height) {
    const auto application = "\xFF\xE0" + big_endian(16, 2) + std::string(14, 'x');
    return "\xFF\xD8" + application + "\xFF\xC0" + big_endian(17, 2) + "\x08" +
           big_endian(height, 2) + big_endian(width, 2) + std::string(10, '\0');
}

inline std::string webp(std::uint32_t side) {
    return "RIFF" + little_endian(100, 4) + "WEBPVP8X" + little_endian(10, 4) +
           std::string(4, '\0') + little_endian(side - 1, 3) + little_endian(side - 1, 3);
}

inline std::string ogg(std::string_view codec) {
    return "OggS" + std::string(24, '\0') + std::string{codec} + std::string(20, '\0');
}

inline std::string mp3() {
    return "\xFF\xFB\x90\x44" + std::string(100, 'x');
}

inline std::string matroska() {
    return "\x1A\x45\xDF\xA3" + std::string(100, 'x');
}

}  // namespace prewarm::sandbox::test
