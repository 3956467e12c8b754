/// Requests without a connection.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/http/server.hpp"

namespace prewarm::sandbox::test {

/// A body given in pieces of one size; it may break off at the end.
class TextBody final : public http::RequestBody {
public:
    std::optional<std::uint64_t> length() const override { return text.size(); }
    Task<std::span<const char>> read_some() override {
        const auto rest = std::string_view{text}.substr(given_);
        const auto piece = rest.substr(0, piece_bytes);
        given_ += piece.size();
        if (piece.empty() && breaks_off) co_return Failure{FailureKind::transient, "hung up"};
        co_return std::span<const char>{piece};
    }

    std::string text;
    std::size_t piece_bytes = 7;
    bool breaks_off = false;

private:
    std::size_t given_ = 0;
};

/// A request with what its views refer to.
struct Asked {
    explicit Asked(std::string asked_method, std::string path)
        : method{std::move(asked_method)}, target{path} {
        request.method = method;
        request.target = target;
        request.raw_path = target;
        request.path = std::move(path);
        request.body = &body;
    }
    Asked(const Asked&) = delete;
    Asked& operator=(const Asked&) = delete;

    void add_header(std::string name, std::string value) {
        headers.emplace_back(std::move(name), std::move(value));
        request.headers.clear();
        for (const auto& [one, text] : headers)
            request.headers.emplace_back(one, text);
    }

    std::string method;
    std::string target;
    std::vector<std::pair<std::string, std::string>> headers;
    TextBody body;
    http::Request request;
};

/// A part of a multipart body with the boundary `X`; a file if it has a file name.
inline std::string part(std::string_view name, std::string_view content,
                        std::optional<std::string_view> file_name = {}) {
    std::string text = "--X\r\nContent-Disposition: form-data; name=\"";
    text += name;
    text += '"';
    if (file_name) text.append("; filename=\"").append(*file_name).append("\"");
    text.append("\r\n\r\n").append(content).append("\r\n");
    return text;
}

}  // namespace prewarm::sandbox::test
