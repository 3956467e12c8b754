/// Frames of a channel to whole deliveries; no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include <amqp.h>

#include "common/amqp/channel.hpp"
#include "common/amqp/message.hpp"
#include "common/base/failure.hpp"

namespace prewarm::amqp {

/// The answer to basic.get.
struct Got {
    Delivery delivery;
};

using Content = std::variant<Delivery, Got, Returned>;

/// Puts together what comes as a method, a header and bodies. Holds at most one content, and of
/// its body no more than the bound.
class DeliveryAssembler {
public:
    explicit DeliveryAssembler(std::size_t largest_body) : largest_body_{largest_body} {}

    static bool begins_content(const amqp_frame_t& method);
    /// In the middle of a content: nothing but its frames may come on this channel.
    bool assembling() const { return content_.has_value(); }

    /// Takes a method that begins a content, a header or a body. A whole content when this frame
    /// ended it. `unavailable` when the frames are not in order: the peer cannot be understood.
    Result<std::optional<Content>> take(const amqp_frame_t& frame);

    void keep_bodies_to(std::size_t bytes) { largest_body_ = bytes; }

private:
    Result<std::optional<Content>> begin(const amqp_method_t& method);
    Result<std::optional<Content>> header(const amqp_frame_t& frame);
    Result<std::optional<Content>> body(amqp_bytes_t part);
    std::optional<Content> end_if_whole();
    Delivery* delivery();

    std::size_t largest_body_;
    std::optional<Content> content_;
    bool has_header_ = false;
    std::uint64_t missing_ = 0;  ///< Bytes of the body that are still to come.
};

}  // namespace prewarm::amqp
