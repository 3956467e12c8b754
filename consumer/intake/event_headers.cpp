#include "consumer/intake/event_headers.hpp"

#include <algorithm>
#include <chrono>

#include "common/base/rfc3339.hpp"

namespace prewarm {
namespace {

/// `00-<32 hex>-<16 hex>-<2 hex>` (W3C Trace Context, version 00).
bool is_traceparent(std::string_view text) {
    const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    bool sound = text.size() == 55;
    for (std::size_t at = 0; sound && at < text.size(); ++at) {
        const bool dash = at == 2 || at == 35 || at == 52;
        sound = dash ? text[at] == '-' : is_hex(text[at]);
    }
    return sound;
}

bool may_be_time(std::string_view text) {
    constexpr std::size_t longest = 40;
    return !text.empty() && text.size() <= longest &&
           text.find_first_not_of("0123456789-+:.TZ") == std::string_view::npos;
}

}  // namespace

void read_event_headers(const amqp::FieldTable& headers, Upload& upload) {
    upload.traceparent = headers.text("traceparent").value_or("");
    if (!is_traceparent(upload.traceparent)) upload.traceparent.clear();
    upload.first_seen = headers.text("x-prewarm-first-seen").value_or("");
    if (!may_be_time(upload.first_seen))
        upload.first_seen = rfc3339(std::chrono::system_clock::now());
    upload.replays = std::max<std::int64_t>(headers.integer("x-prewarm-replays").value_or(0), 0);
}

}  // namespace prewarm
