/// AMQP written by hand, so that the codec is not tested by itself. See the specification of AMQP
/// 0-9-1, sections 4.2.3 to 4.2.6.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace prewarm::amqp::wire {

inline std::string number(std::uint64_t value, int bytes) {
    std::string text;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        text.push_back(static_cast<char>(value >> shift));
    return text;
}

inline std::string short_text(std::string_view text) {
    return number(text.size(), 1) + std::string{text};
}
inline std::string long_text(std::string_view text) {
    return number(text.size(), 4) + std::string{text};
}

inline std::string frame(int type, std::uint16_t channel, const std::string& payload) {
    return number(static_cast<std::uint64_t>(type), 1) + number(channel, 2) +
           number(payload.size(), 4) + payload + "\xce";
}
inline std::string method(std::uint16_t channel, int class_id, int method_id,
                          const std::string& fields) {
    return frame(1, channel,
                 number(static_cast<std::uint64_t>(class_id), 2) +
                     number(static_cast<std::uint64_t>(method_id), 2) + fields);
}
/// `properties` begins with the flags.
inline std::string header(std::uint16_t channel, std::uint64_t body_size,
                          const std::string& properties = std::string(2, '\0'), int class_id = 60) {
    return frame(2, channel,
                 number(static_cast<std::uint64_t>(class_id), 2) + number(0, 2) +
                     number(body_size, 8) + properties);
}
inline std::string body(std::uint16_t channel, const std::string& bytes) {
    return frame(3, channel, bytes);
}
inline std::string heartbeat() {
    return frame(8, 0, "");
}

inline std::string deliver(std::uint16_t channel, std::uint64_t tag, std::string_view key = "key") {
    return method(channel, 60, 60,
                  short_text("consumer") + number(tag, 8) + number(1, 1) + short_text("exchange") +
                      short_text(key));
}
inline std::string tune() {
    return method(0, 10, 30, number(2047, 2) + number(131072, 4) + number(60, 2));
}

inline std::span<const char> bytes_of(const std::string& text) {
    return {text.data(), text.size()};
}

}  // namespace prewarm::amqp::wire
