#include "common/amqp/delivery_assembler.hpp"

#include <string>
#include <utility>

#include <amqp_framing.h>

#include "common/amqp/codec.hpp"
#include "common/amqp/properties.hpp"

namespace prewarm::amqp {
namespace {

Failure out_of_order(const char* what) {
    return {FailureKind::unavailable, std::string{"the broker's frames are not in order: "} + what};
}

template <class Method>
Delivery begun_by(const Method& method) {
    Delivery delivery;
    delivery.exchange = as_text(method.exchange);
    delivery.routing_key = as_text(method.routing_key);
    delivery.redelivered = method.redelivered != 0;
    delivery.tag.number = method.delivery_tag;
    return delivery;
}

}  // namespace

bool DeliveryAssembler::begins_content(const amqp_frame_t& method) {
    return method.frame_type == AMQP_FRAME_METHOD &&
           (method.payload.method.id == AMQP_BASIC_DELIVER_METHOD ||
            method.payload.method.id == AMQP_BASIC_GET_OK_METHOD ||
            method.payload.method.id == AMQP_BASIC_RETURN_METHOD);
}

Result<std::optional<Content>> DeliveryAssembler::take(const amqp_frame_t& frame) {
    switch (frame.frame_type) {
        case AMQP_FRAME_METHOD:
            return begin(frame.payload.method);
        case AMQP_FRAME_HEADER:
            return header(frame);
        case AMQP_FRAME_BODY:
            return body(frame.payload.body_fragment);
        default:
            return out_of_order("an unknown frame on a channel");
    }
}

Result<std::optional<Content>> DeliveryAssembler::begin(const amqp_method_t& method) {
    if (content_) return out_of_order("a method in the middle of a content");
    has_header_ = false;
    switch (method.id) {
        case AMQP_BASIC_DELIVER_METHOD:
            content_ = begun_by(*static_cast<const amqp_basic_deliver_t*>(method.decoded));
            break;
        case AMQP_BASIC_GET_OK_METHOD:
            content_ = Got{begun_by(*static_cast<const amqp_basic_get_ok_t*>(method.decoded))};
            break;
        case AMQP_BASIC_RETURN_METHOD: {
            const auto& fields = *static_cast<const amqp_basic_return_t*>(method.decoded);
            Returned returned;
            returned.exchange = as_text(fields.exchange);
            returned.routing_key = as_text(fields.routing_key);
            returned.reason =
                std::to_string(fields.reply_code) + " " + std::string{as_text(fields.reply_text)};
            content_ = std::move(returned);
            break;
        }
        default:
            return out_of_order("no content begins with this method");
    }
    return std::nullopt;
}

Result<std::optional<Content>> DeliveryAssembler::header(const amqp_frame_t& frame) {
    const auto& header = frame.payload.properties;
    if (!content_ || has_header_) return out_of_order("a header that belongs to nothing");
    if (header.class_id != AMQP_BASIC_CLASS) return out_of_order("a header of an unknown class");
    has_header_ = true;
    missing_ = header.body_size;

    const auto& properties = *static_cast<const amqp_basic_properties_t*>(header.decoded);
    auto message = read_properties(properties);
    if (auto* returned = std::get_if<Returned>(&*content_)) {
        returned->message_id = std::move(message.message_id);
        return end_if_whole();
    }
    auto& into = *delivery();
    into.message = std::move(message);
    into.body_bytes = header.body_size;
    into.oversized = header.body_size > largest_body_;
    if (properties._flags & AMQP_BASIC_HEADERS_FLAG) {
        if (auto headers = read_table(properties.headers)) {
            into.message.headers = std::move(*headers);
        } else {
            into.oversized = true;
        }
    }
    if (into.oversized) {
        into.message.headers = {};
    } else {
        into.message.body.reserve(header.body_size);
    }
    return end_if_whole();
}

Result<std::optional<Content>> DeliveryAssembler::body(amqp_bytes_t part) {
    if (!content_ || !has_header_) return out_of_order("a body that belongs to nothing");
    if (part.len > missing_) return out_of_order("a body longer than announced");
    missing_ -= part.len;
    auto* into = delivery();
    if (into && !into->oversized) into->message.body.append(as_text(part));
    return end_if_whole();
}

std::optional<Content> DeliveryAssembler::end_if_whole() {
    if (missing_ > 0) return std::nullopt;
    return std::exchange(content_, std::nullopt);
}

Delivery* DeliveryAssembler::delivery() {
    if (auto* got = std::get_if<Got>(&*content_)) return &got->delivery;
    return std::get_if<Delivery>(&*content_);
}

}  // namespace prewarm::amqp
