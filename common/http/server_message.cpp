// What of a request and a response needs no connection.
#include <algorithm>

#include <boost/beast/core/string.hpp>
#include <boost/url/parse_query.hpp>
#include <fmt/chrono.h>

#include "common/http/server.hpp"

namespace prewarm::http {

Task<std::string> RequestBody::read_all(std::size_t limit_bytes) {
    const Failure too_large{FailureKind::too_large,
                            fmt::format("the body is over {} bytes", limit_bytes)};
    if (length().value_or(0) > limit_bytes) co_return too_large;
    std::string whole;
    while (true) {
        const auto bytes = co_await read_some();
        if (!bytes) co_return bytes.error();
        if (bytes->empty()) co_return whole;
        if (whole.size() + bytes->size() > limit_bytes) co_return too_large;
        whole.append(bytes->data(), bytes->size());
    }
}

std::optional<std::string_view> Request::header(std::string_view name) const {
    for (const auto& [header, value] : headers) {
        if (boost::beast::iequals({header.data(), header.size()}, {name.data(), name.size()}))
            return value;
    }
    return std::nullopt;
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
    for (const auto& [parameter, value] : query) {
        if (parameter == name) return value;
    }
    return std::nullopt;
}

Response respond(unsigned status, std::string_view content_type, std::string body) {
    return {.status = status,
            .headers = {{"Content-Type", std::string{content_type}}},
            .body = std::move(body)};
}

Result<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text) {
    if (text.empty()) return {};
    // Boost.URL 1.81 takes the text's length from a NUL after it, whatever the view says.
    const std::string terminated{text};
    const auto parsed = boost::urls::parse_query(terminated);
    if (parsed.has_error())
        return Failure{FailureKind::refused, "the query is not validly encoded"};
    boost::urls::encoding_opts options;
    options.space_as_plus = true;
    std::vector<std::pair<std::string, std::string>> parameters;
    for (const auto& parameter : *parsed)
        parameters.emplace_back(parameter.key.decode(options), parameter.value.decode(options));
    return parameters;
}

std::string http_date(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace prewarm::http
