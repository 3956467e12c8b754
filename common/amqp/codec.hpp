/// Bytes to AMQP frames and back, by librabbitmq; no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <amqp.h>
#include <amqp_framing.h>

#include "common/amqp/message.hpp"
#include "common/base/failure.hpp"

namespace prewarm::amqp {

/// Text of ours as the library wants it: not copied.
inline amqp_bytes_t as_bytes(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};
}

inline std::string_view as_text(amqp_bytes_t bytes) {
    return bytes.len == 0 ? std::string_view{}
                          : std::string_view{static_cast<const char*>(bytes.bytes), bytes.len};
}

/// What has come from the broker, frame by frame.
class Decoder {
public:
    Decoder();

    /// The next whole frame in `bytes`, which shrinks by what was used; nothing when more is
    /// needed. A frame's memory is valid until the next call. After a Failure (`unavailable`: the
    /// bytes are no AMQP, or a frame is too large) nothing more can be decoded.
    Result<std::optional<amqp_frame_t>> decode(std::span<const char>& bytes);

    /// Frames above 64 KiB are refused until this allows them. Only right after a frame.
    Result<> accept_frames_to(std::size_t bytes);

private:
    struct Destroy {
        void operator()(amqp_connection_state_t state) const { amqp_destroy_connection(state); }
    };
    std::unique_ptr<amqp_connection_state_t_, Destroy> state_;
    std::optional<std::uint16_t> decoded_on_;  ///< The channel whose memory the last frame is in.
    bool broken_ = false;
};

/// Appends frames to what is to be sent: a whole frame, or nothing and a Failure.
class Encoder {
public:
    explicit Encoder(std::size_t frame_max);

    static void append_protocol_header(std::string& out);
    static void append_heartbeat(std::string& out);

    /// `fields` is the library's struct for `method`. `refused` when one of its texts is too long.
    Result<> append_method(std::string& out, std::uint16_t channel, amqp_method_number_t method,
                           const void* fields);

    /// basic.publish with its properties and body. `too_large` when the properties do not fit a
    /// frame, `refused` when a name is too long.
    Result<> append_publish(std::string& out, std::uint16_t channel,
                            const amqp_basic_publish_t& publish, const Message& message);

private:
    Result<> append_header(std::string& out, std::uint16_t channel, const Message& message);
    void append_body(std::string& out, std::uint16_t channel, std::string_view body) const;

    std::size_t frame_max_;
    std::unique_ptr<char[]> payload_;  ///< Room to encode into, of `frame_max_` bytes.
};

}  // namespace prewarm::amqp
