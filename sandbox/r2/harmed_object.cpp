#include "sandbox/r2/harmed_object.hpp"

#include <algorithm>
#include <memory>

namespace prewarm::sandbox {
namespace {

using http::Response;
using http::StreamedBody;

/// A body in which the first `cut` bytes are followed by nothing, and the others are changed.
struct Harm {
    StreamedBody whole;
    Fault fault;
    std::uint64_t offset = 0;  ///< Of the next byte, in the object.
    std::uint64_t given = 0;
    std::span<const char> rest{};
    std::vector<char> piece{};
    bool has_stalled = false;

    Task<std::span<const char>> next();
    void take(std::uint64_t most_bytes);
};

/// The next bytes up to the one where something happens.
void Harm::take(std::uint64_t most_bytes) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(most_bytes, rest.size()));
    piece.assign(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
    rest = rest.subspan(size);
    if (fault.change) {
        for (auto& byte : piece)
            byte = static_cast<char>(~byte);
    }
    if (fault.corrupt && *fault.corrupt >= offset && *fault.corrupt < offset + size) {
        auto& byte = piece[static_cast<std::size_t>(*fault.corrupt - offset)];
        byte = static_cast<char>(~byte);
    }
    offset += size;
    given += size;
}

Task<std::span<const char>> Harm::next() {
    if (fault.cut && given >= *fault.cut)
        co_return Failure{FailureKind::transient, "cut off, as a rule wants it"};
    auto most_bytes = fault.cut ? *fault.cut - given : UINT64_MAX;
    if (fault.stall.count() > 0 && !has_stalled) {
        if (given >= fault.stall_at) {
            co_await sleep_for(fault.stall);
            has_stalled = true;
        } else {
            most_bytes = std::min(most_bytes, fault.stall_at - given);
        }
    }
    if (rest.empty()) {
        const auto more = co_await whole.next();
        if (!more || more->empty()) co_return more;
        rest = *more;
    }
    take(most_bytes);
    co_return std::span<const char>{piece};
}

}  // namespace

Response harmed(Response response, const Fault& fault, std::uint64_t offset) {
    auto* const body = std::get_if<StreamedBody>(&response.body);
    if (body == nullptr) return response;
    const auto length = body->length;
    auto harm = std::make_shared<Harm>(Harm{.whole = std::move(*body), .fault = fault});
    harm->offset = offset;
    response.body = StreamedBody{.length = length, .next = [harm] { return harm->next(); }};
    return response;
}

std::string changed_etag(std::string_view etag) {
    std::string changed{etag};
    for (auto& digit : changed) {
        if (digit != '"')
            digit = digit == 'f' ? '0' : digit == '9' ? 'a' : static_cast<char>(digit + 1);
    }
    return changed;
}

}  // namespace prewarm::sandbox
