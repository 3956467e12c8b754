/// The dead letters that match a filter.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/amqp/connection.hpp"
#include "common/runtime/task.hpp"
#include "producer/dead_letters/dead_letter.hpp"
#include "producer/dead_letters/letter_filter.hpp"

namespace prewarm::producer {

namespace asio = boost::asio;

/// What was seen on the way.
struct Looked {
    std::uint64_t waiting = 0;  ///< Letters that were there when it began.
    std::uint64_t seen = 0;
    std::uint64_t matched = 0;
    std::uint64_t most_handed_out = 0;             ///< Of any of them, this time not counted.
    std::map<std::string, std::uint64_t> reasons;  ///< How many of which were seen.
};

/// What is behind the first million is not looked at.
inline constexpr std::uint64_t most_looked_at = 1'000'000;
/// A larger body is not read, nor are the headers.
inline constexpr std::size_t largest_body_read = 16 * 1024 * 1024;

/// What is done with a letter.
enum class Take : std::uint8_t {
    give_back,
    give_back_first,  ///< Before the others, to be at the queue's front.
    remove,
};
using Found = std::function<Take(const DeadLetter&, const amqp::Delivery&)>;

/// Reads the letters from the front on, until the filter's limit is reached; `found` gets each that
/// matches, one at a time. All the others go back, in their order, which the broker has acted on
/// when this ends. `refused` when there is no such queue.
///
/// When cancelled it stops reading, ends the same way, and throws operation_aborted then.
Task<Looked> look_through(amqp::Connection& connection, std::string queue, LetterFilter filter,
                          Found found);

}  // namespace prewarm::producer
