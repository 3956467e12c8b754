#include "sandbox/telegram/multipart_parser.hpp"

#include <algorithm>

namespace prewarm::sandbox {
namespace {

constexpr std::size_t longest_header = 8UL * 1024;

Failure malformed(std::string detail) {
    return {FailureKind::refused, "multipart body: " + std::move(detail)};
}

}  // namespace

MultipartParser::MultipartParser(std::string_view boundary, MultipartSink& sink)
    : sink_{sink}, delimiter_{"\r\n--"} {
    delimiter_ += boundary;
}

Result<> MultipartParser::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        switch (state_) {
            case State::prologue:
            case State::content:
                bytes = take_content(bytes);
                break;
            case State::after_boundary: {
                const auto rest = take_after_boundary(bytes);
                if (!rest) return rest.error();
                bytes = *rest;
                break;
            }
            case State::header: {
                const auto rest = take_header(bytes);
                if (!rest) return rest.error();
                bytes = *rest;
                break;
            }
            case State::epilogue:
                return {};
        }
    }
    return {};
}

Result<> MultipartParser::finish() const {
    if (state_ != State::epilogue) return malformed("it ends before its closing boundary");
    return {};
}

/// Gives what comes before the next delimiter to the sink; returns what comes after it. A part of a
/// delimiter at the end is held back: only its length need be remembered.
std::string_view MultipartParser::take_content(std::string_view bytes) {
    if (matched_ > 0) {
        const auto expected = std::string_view{delimiter_}.substr(matched_);
        const auto [wrong, end] = std::ranges::mismatch(bytes, expected);
        const auto same = static_cast<std::size_t>(wrong - bytes.begin());
        matched_ += same;
        bytes.remove_prefix(same);
        if (matched_ == delimiter_.size()) {
            end_content();
            return bytes;
        }
        if (bytes.empty()) return bytes;
        // CR stands at the delimiter's beginning only, so what was held back hides no other one.
        give(std::string_view{delimiter_}.substr(0, matched_));
        matched_ = 0;
    }
    const auto found = bytes.find(delimiter_);
    if (found != std::string_view::npos) {
        give(bytes.substr(0, found));
        end_content();
        return bytes.substr(found + delimiter_.size());
    }
    const auto carriage_return = bytes.rfind('\r');
    if (carriage_return != std::string_view::npos &&
        delimiter_.starts_with(bytes.substr(carriage_return))) {
        matched_ = bytes.size() - carriage_return;
        bytes = bytes.substr(0, carriage_return);
    }
    give(bytes);
    return {};
}

void MultipartParser::give(std::string_view bytes) {
    if (state_ == State::content && !bytes.empty()) sink_.part_bytes(bytes);
}

void MultipartParser::end_content() {
    if (state_ == State::content) sink_.end_part();
    state_ = State::after_boundary;
    matched_ = 0;
    line_.clear();
}

Result<std::string_view> MultipartParser::take_after_boundary(std::string_view bytes) {
    const auto size = std::min(2 - line_.size(), bytes.size());
    line_ += bytes.substr(0, size);
    if (line_.size() == 2) {
        if (line_ == "--") {
            if (!any_part_) return malformed("it has no part");
            state_ = State::epilogue;
        } else if (line_ == "\r\n") {
            state_ = State::header;
            line_.clear();
        } else {
            return malformed("a boundary is followed by something else");
        }
    }
    return bytes.substr(size);
}

Result<std::string_view> MultipartParser::take_header(std::string_view bytes) {
    constexpr std::string_view end_of_header = "\r\n\r\n";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        line_ += bytes[i];
        if (line_.size() > longest_header) return malformed("a part's header is too long");
        if (line_ != "\r\n" && !line_.ends_with(end_of_header)) continue;

        auto header = part_header_of(std::string_view{line_}.substr(0, line_.size() - 2));
        if (!header) return malformed("a part has no name");
        sink_.begin_part(std::move(*header));
        any_part_ = true;
        state_ = State::content;
        return bytes.substr(i + 1);
    }
    return std::string_view{};
}

}  // namespace prewarm::sandbox
