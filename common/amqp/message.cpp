#include "common/amqp/message.hpp"

namespace prewarm::amqp {

std::uint64_t Delivery::delivery_count() const {
    const auto counted = message.headers.integer("x-delivery-count");
    return counted && *counted > 0 ? static_cast<std::uint64_t>(*counted) : 0;
}

}  // namespace prewarm::amqp
