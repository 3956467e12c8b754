#include "consumer/queue_watch.hpp"

#include <utility>

namespace prewarm {

using namespace std::chrono_literals;

namespace {
constexpr auto answer_time = 5s;
// What is on its way to a consumer is in neither count for an instant.
constexpr auto empty_for = 3s;
}  // namespace

QueueWatch::QueueWatch(amqp::ConnectionOptions connection, topology::Names names,
                       metrics::Registry& metrics)
    : options_{std::move(connection)}, names_{std::move(names)}, metrics_{metrics} {}

Task<> QueueWatch::connect() {
    if (!connection_ || !connection_->is_open()) {
        channel_.reset();
        auto opened = co_await amqp::Connection::open(options_);
        if (!opened) co_return opened.error();
        connection_ = std::move(*opened);
    }
    if (!channel_ || !channel_->is_open()) {
        auto opened = co_await connection_->open_channel(deadline_in(answer_time));
        if (!opened) co_return opened.error();
        channel_ = std::move(*opened);
    }
    co_return Result<>{};
}

Task<std::uint64_t> QueueWatch::depth_of(std::string queue) {
    const auto state = co_await channel_->inspect_queue(queue, deadline_in(answer_time));
    if (!state) co_return state.error();
    metrics_.set_queue_depth(queue, state->ready_messages);
    co_return std::uint64_t{state->ready_messages};
}

Task<> QueueWatch::ask() {
    if (auto connected = co_await connect(); !connected) co_return connected;
    const auto uploads = co_await depth_of(names_.upload_queue);
    if (!uploads) {
        empty_since_.reset();
        co_return uploads.error();
    }
    upload_queue_depth_ = *uploads;
    last_answer_ = std::chrono::steady_clock::now();
    if (*uploads > 0) {
        empty_since_.reset();
    } else if (!empty_since_) {
        empty_since_ = last_answer_;
    }
    const auto dead_letters = co_await depth_of(names_.dead_letter_queue);
    if (!dead_letters) co_return dead_letters.error();
    co_return Result<>{};
}

bool QueueWatch::upload_queue_is_empty() const {
    return empty_since_ && last_answer_ - *empty_since_ >= empty_for &&
           std::chrono::steady_clock::now() - last_answer_ < answer_time;
}

asio::awaitable<void> QueueWatch::close(Deadline deadline) {
    channel_.reset();
    if (connection_) (void)co_await connection_->close(deadline);
    connection_.reset();
}

}  // namespace prewarm
