/// The Range header.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace prewarm::sandbox {

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;  ///< Included.

    std::uint64_t size() const { return last - first + 1; }
    bool operator==(const ByteRange&) const = default;
};

struct WholeObject {  ///< No range, or one that is to be ignored: unknown unit, several, malformed.
    bool operator==(const WholeObject&) const = default;
};

struct NotSatisfiable {  ///< 416.
    bool operator==(const NotSatisfiable&) const = default;
};

/// What `header` (`bytes=0-99`, `bytes=100-`, `bytes=-5`) asks of an object of `size` bytes.
std::variant<WholeObject, ByteRange, NotSatisfiable> byte_range_of(
    std::optional<std::string_view> header, std::uint64_t size);

}  // namespace prewarm::sandbox
