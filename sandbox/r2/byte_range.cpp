#include "sandbox/r2/byte_range.hpp"

#include <algorithm>

#include "sandbox/number.hpp"

namespace prewarm::sandbox {

std::variant<WholeObject, ByteRange, NotSatisfiable> byte_range_of(
    std::optional<std::string_view> header, std::uint64_t size) {
    constexpr std::string_view unit = "bytes=";
    if (!header || !header->starts_with(unit)) return WholeObject{};
    const auto range = header->substr(unit.size());
    const auto dash = range.find('-');
    if (dash == std::string_view::npos) return WholeObject{};
    const auto first = number_in<std::uint64_t>(range.substr(0, dash));
    const auto last = number_in<std::uint64_t>(range.substr(dash + 1));

    if (dash == 0) {  // The last so many bytes.
        if (!last) return WholeObject{};
        if (*last == 0 || size == 0) return NotSatisfiable{};
        return ByteRange{size - std::min(*last, size), size - 1};
    }
    const bool open_end = dash + 1 == range.size();
    if (!first || (!last && !open_end) || (last && *last < *first)) return WholeObject{};
    if (*first >= size) return NotSatisfiable{};
    return ByteRange{*first, last ? std::min(*last, size - 1) : size - 1};
}

}  // namespace prewarm::sandbox
