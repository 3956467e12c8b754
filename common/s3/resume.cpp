#include "common/s3/resume.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "common/base/text.hpp"

namespace prewarm::s3 {
namespace {

/// Whether asking again may help.
bool may_pass(FailureKind kind) {
    return kind == FailureKind::transient || kind == FailureKind::throttled ||
           kind == FailureKind::unavailable;
}

/// The number that `text` begins with, and what must follow it; both are taken off `text`.
std::optional<std::uint64_t> take_number(std::string_view& text, std::string_view follows) {
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    if (!text.starts_with(follows)) return std::nullopt;
    text.remove_prefix(follows.size());
    return number;
}

std::string_view without_weakness(std::string_view etag) {
    if (etag.starts_with("W/")) etag.remove_prefix(2);
    return etag;
}

Failure changed(std::string_view what, std::string_view how) {
    return {FailureKind::mismatch, fmt::format("{}: it changed while it was read: {}", what, how)};
}

std::vector<http::Header> headers_with(const Version& version, std::string range) {
    std::vector<http::Header> headers;
    if (is_strong(version.etag)) headers.emplace_back("if-match", version.etag);
    headers.emplace_back("range", std::move(range));
    return headers;
}

/// Which bytes of `version` an answer holds: all, if it does not say.
Result<ContentRange> range_of(const http::ResponseHead& head, const Version& version,
                              std::string_view what) {
    const auto etag = head.header("etag").value_or(version.etag);
    if (!version.etag.empty() && without_weakness(etag) != without_weakness(version.etag)) {
        return changed(what, fmt::format("its ETag was {} and is {}", printable(version.etag, 100),
                                         printable(etag, 100)));
    }
    const auto range = content_range_of(head.header("content-range").value_or(""));
    const auto size = head.status == 206 ? (range ? std::optional{range->size_bytes} : std::nullopt)
                                         : head.content_length();
    if (!size) {
        return Failure{
            FailureKind::transient,
            fmt::format("{}: HTTP {} does not say which bytes it holds", what, head.status)};
    }
    if (*size != version.size_bytes) {
        return changed(what, fmt::format("it had {} bytes and has {}", version.size_bytes, *size));
    }
    if (head.status != 206) return ContentRange{0, *size - 1, *size};
    return *range;
}

}  // namespace

std::optional<std::chrono::milliseconds> ResumePlan::after(const Failure& why,
                                                           std::uint64_t taken_bytes,
                                                           Deadline now) {
    if (!may_pass(why.kind)) return std::nullopt;
    if (taken_bytes - progressed_to_ >= limits_.progress_bytes) {
        in_vain_ = 0;
        progressed_to_ = taken_bytes;
    }
    if (in_vain_ == limits_.most_in_vain) return std::nullopt;
    if (in_vain_ == 0) {
        broke_at_ = now;
        pause_ = limits_.first_pause;
    }
    const auto pause = std::max(pause_, why.retry_after.value_or(pause_));
    if (pause > limits_.longest_pause) return std::nullopt;
    if (now + pause > std::min(deadline_, broke_at_ + limits_.longest_outage)) return std::nullopt;
    ++in_vain_;
    pause_ = std::min(2 * pause_, limits_.longest_pause);
    return pause;
}

bool is_strong(std::string_view etag) {
    const auto is_fit = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != '"'; };
    return etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"') &&
           std::ranges::all_of(etag.substr(1, etag.size() - 2), is_fit);
}

std::vector<http::Header> headers_for_rest(const Version& version, std::uint64_t first) {
    return headers_with(version, fmt::format("bytes={}-", first));
}

std::vector<http::Header> headers_for_range(const Version& version, std::uint64_t first,
                                            std::uint64_t size) {
    return headers_with(version, fmt::format("bytes={}-{}", first, first + size - 1));
}

Result<std::uint64_t> beginning_of_rest(const http::ResponseHead& head, const Version& version,
                                        std::uint64_t first, std::string_view what) {
    const auto range = range_of(head, version, what);
    if (!range) return range.error();
    if (head.status != 206) return std::uint64_t{0};
    if (range->first != first || range->last + 1 != version.size_bytes) {
        return Failure{FailureKind::transient,
                       fmt::format("{}: bytes from {} on were asked for, and {}-{} came", what,
                                   first, range->first, range->last)};
    }
    return first;
}

Result<> is_range(const http::ResponseHead& head, const Version& version, std::uint64_t first,
                  std::uint64_t size, std::string_view what) {
    const auto range = range_of(head, version, what);
    if (!range) return range.error();
    if (range->first == first && range->last + 1 == first + size) return {};
    return Failure{FailureKind::transient,
                   fmt::format("{}: {} bytes from {} on were asked for, and {}-{} came", what, size,
                               first, range->first, range->last)};
}

std::optional<ContentRange> content_range_of(std::string_view text) {
    constexpr std::string_view unit = "bytes ";
    if (!text.starts_with(unit)) return std::nullopt;
    text.remove_prefix(unit.size());
    const auto first = take_number(text, "-");
    const auto last = first ? take_number(text, "/") : std::nullopt;
    const auto size = last ? take_number(text, "") : std::nullopt;
    if (!size || !text.empty() || *first > *last || *last >= *size) return std::nullopt;
    return ContentRange{*first, *last, *size};
}

}  // namespace prewarm::s3
