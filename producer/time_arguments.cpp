#include "producer/time_arguments.hpp"

#include <charconv>
#include <cmath>

#include <google/protobuf/util/time_util.h>

#include "common/events/proto_values.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;
using std::chrono::system_clock;

std::optional<std::chrono::seconds> parse_age(std::string_view text) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    constexpr std::int64_t most = 1'000'000;
    if (error != std::errc{} || count < 0 || count > most) return std::nullopt;
    const std::string_view unit{end, text.data() + text.size()};
    if (unit == "s") return count * 1s;
    if (unit == "m" || unit == "min") return count * 60s;
    if (unit == "h") return count * 3600s;
    if (unit == "d") return count * 86400s;
    return std::nullopt;
}

}  // namespace

std::optional<system_clock::time_point> parse_time(std::string_view text) {
    google::protobuf::Timestamp timestamp;
    if (!google::protobuf::util::TimeUtil::FromString(std::string{text}, &timestamp))
        return std::nullopt;
    return events::time_point_of(timestamp);
}

std::optional<system_clock::time_point> parse_since(std::string_view text,
                                                    system_clock::time_point now) {
    if (const auto age = parse_age(text)) return now - *age;
    return parse_time(text);
}

std::optional<std::chrono::nanoseconds> parse_rate(const std::string& text) {
    double count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || !std::isfinite(count) || count <= 0) return std::nullopt;
    const std::string_view unit{end, text.data() + text.size()};
    double seconds = 0;
    if (unit.empty() || unit == "/s") {
        seconds = 1;
    } else if (unit == "/min" || unit == "/m") {
        seconds = 60;
    } else if (unit == "/h") {
        seconds = 3600;
    } else {
        return std::nullopt;
    }
    seconds /= count;
    constexpr double slowest = 600;
    if (seconds > slowest) return std::nullopt;
    return std::chrono::nanoseconds{static_cast<std::int64_t>(seconds * 1e9)};
}

}  // namespace prewarm::producer
