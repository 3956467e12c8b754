#include "producer/dead_letters/look_through.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include "producer/dead_letters/letter_walk.hpp"

namespace prewarm::producer {
namespace {

constexpr std::uint16_t window = 2000;

/// One that stops after the first few does not have more handed out than these.
std::uint16_t window_for(const LetterFilter& filter) {
    if (filter.limit == 0 || filter.selects()) return window;
    return static_cast<std::uint16_t>(std::min<std::uint64_t>(filter.limit, window));
}

Task<> read(LetterWalk& walk, const LetterFilter& filter, const Found& found, Looked& looked,
            std::vector<amqp::DeliveryTag>& first) {
    while (looked.seen < most_looked_at && (filter.limit == 0 || looked.matched < filter.limit)) {
        const auto delivery = co_await walk.next();
        if (!delivery) co_return delivery.error();
        if (!*delivery) break;
        const auto letter = read_dead_letter(**delivery);
        ++looked.seen;
        ++looked.reasons[letter.reason];
        looked.most_handed_out = std::max(looked.most_handed_out, letter.handed_out);
        auto take = Take::give_back;
        if (filter.matches(letter)) {
            ++looked.matched;
            take = found(letter, **delivery);
        }
        const auto tag = (*delivery)->tag;
        if (take == Take::remove) {
            walk.remove(tag);
        } else {
            walk.keep(tag);
        }
        if (take == Take::give_back_first) first.push_back(tag);
    }
    co_return Result<>{};
}

}  // namespace

Task<Looked> look_through(amqp::Connection& connection, std::string queue, LetterFilter filter,
                          Found found) {
    LetterWalk walk{co_await asio::this_coro::executor,
                    connection,
                    {.queue = std::move(queue),
                     .window = window_for(filter),
                     .largest_body = largest_body_read}};
    const auto begun = co_await walk.begin();
    if (!begun) co_return begun.error();
    Looked looked;
    looked.waiting = walk.waiting();
    std::vector<amqp::DeliveryTag> first;
    Result<> done;
    std::optional<boost::system::system_error> cancelled;
    try {
        done = co_await read(walk, filter, found, looked, first);
    } catch (const boost::system::system_error& error) {
        if (error.code() != asio::error::operation_aborted) throw;
        cancelled = error;
    }
    if (!done) co_return done.error();
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation{});
    const auto given_back = co_await walk.give_back(first);
    co_await asio::this_coro::reset_cancellation_state();
    if (cancelled) throw boost::system::system_error{*cancelled};
    if (!given_back) co_return given_back.error();
    co_return looked;
}

}  // namespace prewarm::producer
