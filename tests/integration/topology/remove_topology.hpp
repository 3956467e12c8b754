/// Takes down what a test has declared.
#pragma once

#include "common/amqp/connection.hpp"
#include "common/topology/topology.hpp"

namespace prewarm::topology {

/// On a channel of its own: a refused call may have closed another. What is not there is no error.
inline Task<> remove(amqp::Connection& connection, Names names, Deadline deadline) {
    auto opened = co_await connection.open_channel(deadline);
    if (!opened) co_return opened.error();
    auto& channel = **opened;
    for (const auto& queue : {names.upload_queue, names.dead_letter_queue}) {
        auto deleted = co_await channel.delete_queue(queue, deadline);
        if (!deleted) co_return deleted.error();
    }
    for (const auto& exchange :
         {names.upload_exchange, names.dead_letter_exchange, names.media_exchange}) {
        auto deleted = co_await channel.delete_exchange(exchange, deadline);
        if (!deleted) co_return deleted;
    }
    co_return Result<>{};
}

}  // namespace prewarm::topology
