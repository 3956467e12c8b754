#include "sandbox/r2/conditions.hpp"

namespace prewarm::sandbox {
namespace {

/// Whether `etag` is in `list`: `*`, or tags with or without quotes, separated by commas.
bool matches(std::string_view list, std::optional<std::string_view> etag) {
    if (!etag) return false;
    const auto bare = etag->substr(1, etag->size() - 2);
    while (true) {
        const auto comma = list.find(',');
        auto one = list.substr(0, comma);
        while (one.starts_with(' '))
            one.remove_prefix(1);
        while (one.ends_with(' '))
            one.remove_suffix(1);
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == "*" || one == *etag || one == bare) return true;
        if (comma == std::string_view::npos) return false;
        list.remove_prefix(comma + 1);
    }
}

}  // namespace

std::optional<unsigned> unmet_condition(const http::Request& request,
                                        std::optional<std::string_view> etag) {
    const auto if_match = request.header("if-match");
    if (if_match && !matches(*if_match, etag)) return 412;
    const auto if_none_match = request.header("if-none-match");
    if (if_none_match && matches(*if_none_match, etag))
        return request.method == "GET" || request.method == "HEAD" ? 304 : 412;
    return std::nullopt;
}

}  // namespace prewarm::sandbox
