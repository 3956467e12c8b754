#include "sandbox/telegram/multipart_header.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/trim.hpp>

namespace prewarm::sandbox {
namespace {

constexpr std::size_t longest_boundary = 70;  // RFC 2046, and Telegram's own reader.

struct HeaderValue {
    std::string value;                                            ///< Lower case.
    std::vector<std::pair<std::string, std::string>> parameters;  ///< Names in lower case.

    const std::string* parameter(std::string_view name) const {
        for (const auto& [one, text] : parameters) {
            if (one == name) return &text;
        }
        return nullptr;
    }
};

/// Takes a quoted or bare parameter value off `text`, up to and without the next `;`.
std::string take_value(std::string_view& text) {
    std::string value;
    if (!text.starts_with('"')) {
        value = text.substr(0, text.find(';'));
        text.remove_prefix(value.size());
        boost::algorithm::trim(value);
        return value;
    }
    text.remove_prefix(1);
    while (!text.empty() && text.front() != '"') {
        // Clients that do not percent-encode escape these two.
        const bool escaped = text.starts_with("\\\"") || text.starts_with("\\\\");
        if (escaped) text.remove_prefix(1);
        value += text.front();
        text.remove_prefix(1);
    }
    text.remove_prefix(std::min(text.find(';'), text.size()));
    return value;
}

/// `form-data; name="a"; filename="b;c.jpg"`.
HeaderValue header_value_of(std::string_view text) {
    HeaderValue header;
    const auto end = std::min(text.find(';'), text.size());
    header.value = boost::algorithm::to_lower_copy(
        boost::algorithm::trim_copy(std::string{text.substr(0, end)}));
    text.remove_prefix(end);
    while (!text.empty()) {
        text.remove_prefix(1);  // The semicolon.
        const auto equals = text.find_first_of("=;");
        if (equals == std::string_view::npos) break;
        auto name = boost::algorithm::to_lower_copy(
            boost::algorithm::trim_copy(std::string{text.substr(0, equals)}));
        text.remove_prefix(equals);
        if (text.front() == ';') continue;
        text.remove_prefix(1);
        while (text.starts_with(' '))
            text.remove_prefix(1);
        header.parameters.emplace_back(std::move(name), take_value(text));
    }
    return header;
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// Unlike Boost.URL, a percent sign that begins no escape stands for itself.
std::string percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = i + 2 < text.size() && text[i] == '%' ? digit_of(text[i + 1]) : -1;
        const int low = high >= 0 ? digit_of(text[i + 2]) : -1;
        if (low < 0) {
            decoded += text[i];
            continue;
        }
        decoded += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return decoded;
}

}  // namespace

std::optional<PartHeader> part_header_of(std::string_view lines) {
    constexpr std::string_view wanted = "content-disposition";
    while (!lines.empty()) {
        const auto end = lines.find("\r\n");
        const auto line = lines.substr(0, end);
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 2);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        if (boost::algorithm::to_lower_copy(std::string{line.substr(0, colon)}) != wanted) continue;

        const auto header = header_value_of(line.substr(colon + 1));
        const auto* const name = header.parameter("name");
        if (header.value != "form-data" || name == nullptr || name->empty()) return std::nullopt;
        PartHeader part{.name = percent_decoded(*name), .file_name = std::nullopt};
        if (const auto* const file_name = header.parameter("filename"))
            part.file_name = percent_decoded(*file_name);
        return part;
    }
    return std::nullopt;
}

std::optional<std::string> boundary_of(std::string_view content_type) {
    const auto header = header_value_of(content_type);
    const auto* const boundary = header.parameter("boundary");
    if (header.value != "multipart/form-data" || boundary == nullptr) return std::nullopt;
    if (boundary->empty() || boundary->size() > longest_boundary) return std::nullopt;
    if (boundary->find('\r') != std::string::npos) return std::nullopt;
    return *boundary;
}

std::string media_type_of(std::string_view content_type) {
    return header_value_of(content_type).value;
}

}  // namespace prewarm::sandbox
