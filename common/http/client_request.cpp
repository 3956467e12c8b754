#include "common/http/client_request.hpp"

#include <algorithm>
#include <charconv>

namespace prewarm::http {
namespace {

std::optional<std::uint64_t> as_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

std::string_view name_of(Method method) {
    switch (method) {
        case Method::get:
            return "GET";
        case Method::head:
            return "HEAD";
        case Method::put:
            return "PUT";
        case Method::post:
            return "POST";
        case Method::del:
            return "DELETE";
    }
    return "?";
}

std::optional<std::string_view> ResponseHead::header(std::string_view lower_case_name) const {
    const auto found = std::ranges::find(headers, lower_case_name, &Header::first);
    if (found == headers.end()) return std::nullopt;
    return found->second;
}

std::optional<std::uint64_t> ResponseHead::content_length() const {
    const auto text = header("content-length");
    return text ? as_number(*text) : std::nullopt;
}

std::optional<std::chrono::seconds> ResponseHead::retry_after() const {
    // A year is for ever, and does not overflow whatever it is turned into.
    constexpr std::uint64_t most = 365 * 24 * 3600;
    const auto text = header("retry-after");
    const auto number = text ? as_number(*text) : std::nullopt;
    if (!number) return std::nullopt;
    return std::chrono::seconds{std::min(*number, most)};
}

}  // namespace prewarm::http
