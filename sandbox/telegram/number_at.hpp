/// Numbers within a file's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace prewarm::sandbox {

/// Of `size` bytes, the most significant first; 0 where there are not as many.
inline std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint64_t number = 0;
    if (at + size > bytes.size()) return 0;
    for (const char byte : bytes.substr(at, size))
        number = number << 8U | static_cast<unsigned char>(byte);
    return number;
}

/// Likewise, the least significant first.
inline std::uint64_t little_number_at(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint64_t number = 0;
    if (at + size > bytes.size()) return 0;
    for (std::size_t i = size; i > 0; --i)
        number = number << 8U | static_cast<unsigned char>(bytes[at + i - 1]);
    return number;
}

}  // namespace prewarm::sandbox
