#include "common/amqp/codec.hpp"

#include <algorithm>
#include <new>

#include "common/amqp/properties.hpp"

namespace prewarm::amqp {
namespace {

// type, channel, size; and 0xCE behind the payload.
constexpr std::size_t frame_overhead = 8;
// class, weight, body size
constexpr std::size_t content_prefix = 12;
constexpr std::size_t longest_short_text = 255;

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(value >> shift));
}

void begin_frame(std::string& out, int type, std::uint16_t channel, std::size_t payload_bytes) {
    append_big_endian(out, static_cast<std::uint64_t>(type), 1);
    append_big_endian(out, channel, 2);
    append_big_endian(out, payload_bytes, 4);
}

void end_frame(std::string& out) {
    out.push_back(static_cast<char>(AMQP_FRAME_END));
}

Failure not_amqp(std::string_view why) {
    return {FailureKind::unavailable, "the broker sent what is no AMQP frame: " + std::string{why}};
}

}  // namespace

Decoder::Decoder() : state_{amqp_new_connection()} {
    if (!state_) throw std::bad_alloc{};
}

Result<std::optional<amqp_frame_t>> Decoder::decode(std::span<const char>& bytes) {
    if (broken_) return not_amqp("an earlier one was broken");
    if (decoded_on_) amqp_maybe_release_buffers_on_channel(state_.get(), *decoded_on_);
    decoded_on_.reset();
    while (!bytes.empty()) {
        amqp_frame_t frame{};
        const int used =
            amqp_handle_input(state_.get(), as_bytes({bytes.data(), bytes.size()}), &frame);
        if (used < 0) {
            broken_ = true;
            return not_amqp(amqp_error_string2(used));
        }
        bytes = bytes.subspan(static_cast<std::size_t>(used));
        if (frame.frame_type == 0) continue;
        decoded_on_ = frame.channel;
        return frame;
    }
    return std::nullopt;
}

Result<> Decoder::accept_frames_to(std::size_t bytes) {
    // The library calls abort() when it is told so in the middle of a frame.
    if (!decoded_on_) return not_amqp("a limit was set in the middle of one");
    const int status = amqp_tune_connection(state_.get(), 0, static_cast<int>(bytes), 0);
    if (status != AMQP_STATUS_OK) return not_amqp(amqp_error_string2(status));
    return {};
}

Encoder::Encoder(std::size_t frame_max)
    : frame_max_{frame_max}, payload_{std::make_unique_for_overwrite<char[]>(frame_max)} {}

void Encoder::append_protocol_header(std::string& out) {
    out.append({'A', 'M', 'Q', 'P', 0, AMQP_PROTOCOL_VERSION_MAJOR, AMQP_PROTOCOL_VERSION_MINOR,
                AMQP_PROTOCOL_VERSION_REVISION});
}

void Encoder::append_heartbeat(std::string& out) {
    begin_frame(out, AMQP_FRAME_HEARTBEAT, 0, 0);
    end_frame(out);
}

Result<> Encoder::append_method(std::string& out, std::uint16_t channel,
                                amqp_method_number_t method, const void* fields) {
    const amqp_bytes_t room{frame_max_ - frame_overhead - 4, payload_.get()};
    const int encoded = amqp_encode_method(method, const_cast<void*>(fields), room);
    if (encoded < 0) {
        return Failure{FailureKind::refused, std::string{amqp_method_name(method)} +
                                                 ": a name or argument is too long to be sent"};
    }
    const auto size = static_cast<std::size_t>(encoded);
    begin_frame(out, AMQP_FRAME_METHOD, channel, 4 + size);
    append_big_endian(out, method, 4);
    out.append(payload_.get(), size);
    end_frame(out);
    return {};
}

Result<> Encoder::append_publish(std::string& out, std::uint16_t channel,
                                 const amqp_basic_publish_t& publish, const Message& message) {
    const auto before = out.size();
    auto method = append_method(out, channel, AMQP_BASIC_PUBLISH_METHOD, &publish);
    if (!method) return method;
    auto header = append_header(out, channel, message);
    if (!header) {
        out.resize(before);
        return header;
    }
    append_body(out, channel, message.body);
    return {};
}

Result<> Encoder::append_header(std::string& out, std::uint16_t channel, const Message& message) {
    for (const auto* text :
         {&message.content_type, &message.content_encoding, &message.type, &message.message_id,
          &message.correlation_id, &message.reply_to, &message.app_id}) {
        if (text->size() > longest_short_text)
            return Failure{FailureKind::refused, "a property is longer than 255 bytes"};
    }
    WireProperties properties;
    auto written = properties.write(message);
    if (!written) return written;

    const amqp_bytes_t room{frame_max_ - frame_overhead - content_prefix, payload_.get()};
    const int encoded = amqp_encode_properties(AMQP_BASIC_CLASS, properties.encodable(), room);
    if (encoded < 0) return Failure{FailureKind::too_large, "the headers do not fit a frame"};

    const auto size = static_cast<std::size_t>(encoded);
    begin_frame(out, AMQP_FRAME_HEADER, channel, content_prefix + size);
    append_big_endian(out, AMQP_BASIC_CLASS, 2);
    append_big_endian(out, 0, 2);
    append_big_endian(out, message.body.size(), 8);
    out.append(payload_.get(), size);
    end_frame(out);
    return {};
}

void Encoder::append_body(std::string& out, std::uint16_t channel, std::string_view body) const {
    while (!body.empty()) {
        const auto part = body.substr(0, frame_max_ - frame_overhead);
        begin_frame(out, AMQP_FRAME_BODY, channel, part.size());
        out.append(part);
        end_frame(out);
        body.remove_prefix(part.size());
    }
}

}  // namespace prewarm::amqp
