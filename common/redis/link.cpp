#include "common/redis/link.hpp"

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/runtime/deadline.hpp"

namespace prewarm::redis {

Link::Link(asio::any_io_executor executor, const Address& address, const ConnectionOptions& options)
    : executor_{executor},
      address_{address},
      options_{options},
      stream_{executor},
      replies_{options.max_reply_bytes},
      something_to_send_{executor, asio::steady_timer::time_point::max()} {}

asio::awaitable<void> Link::connect() {
    auto opened = co_await with_deadline(deadline_in(options_.connect_timeout), open(),
                                         "Redis: connecting to " + address_.host);
    if (opened) {
        open_ = true;
    } else {
        fail(std::move(opened.error()));
    }
}

Task<> Link::open() {
    const auto opened = co_await stream_.open(address_);
    if (!opened) co_return opened.error();
    co_return co_await log_in();
}

Task<> Link::log_in() {
    std::vector<Command> commands;
    if (!address_.password.empty()) {
        Command& auth = commands.emplace_back(Command{"AUTH"});
        if (!address_.user.empty()) auth.push_back(address_.user);
        auth.push_back(address_.password.reveal());
    }
    // Never without a command: a server that will not have us says so in reply to the first.
    commands.push_back({"SELECT", std::to_string(address_.database)});

    std::string bytes;
    for (const auto& command : commands)
        encode(command, bytes);
    const auto written = co_await stream_.write(bytes);
    if (!written) co_return written.error();

    for (std::size_t command = 0; command < commands.size(); ++command) {
        const auto reply = co_await read_reply();
        if (!reply) co_return reply.error();
        const auto* error = reply->error();
        if (error == nullptr) continue;
        auto failure = failure_of(*error);
        if (error->text.starts_with("ERR max number of clients")) {
            failure.kind = FailureKind::unavailable;
        } else if (failure.kind == FailureKind::refused) {
            failure.kind = FailureKind::misconfigured;  // No such database, or no password set.
        }
        co_return failure;
    }
    co_return Result<>{};
}

Task<Reply> Link::read_reply() {
    while (true) {
        auto reply = replies_.next();
        if (!reply) co_return reply.error();
        if (*reply) co_return std::move(**reply);
        const auto size = co_await stream_.read_some(bytes_);
        if (!size) co_return size.error();
        replies_.feed(std::span{bytes_}.first(*size));
    }
}

asio::awaitable<void> Link::read() {
    while (!failure_) {
        auto reply = co_await read_reply();
        if (!reply) co_return fail(std::move(reply.error()));
        if (line_.empty()) {
            co_return fail({FailureKind::unavailable, "Redis: it answers what nobody asked"});
        }
        auto& first = *line_.front();
        first.replies.push_back(std::move(*reply));
        if (!first.answered()) continue;
        first.ended.cancel();
        line_.pop_front();
    }
}

asio::awaitable<void> Link::write() {
    while (!failure_) {
        if (unsent_.empty()) {
            boost::system::error_code woken;
            co_await something_to_send_.async_wait(
                asio::redirect_error(asio::use_awaitable, woken));
            continue;
        }
        const auto bytes = std::exchange(unsent_, {});
        auto written = co_await stream_.write(bytes);
        if (!written) co_return fail(std::move(written.error()));
    }
}

std::shared_ptr<Waiting> Link::send(const std::vector<Command>& commands) {
    for (const auto& command : commands)
        encode(command, unsent_);
    something_to_send_.cancel();
    return line_.emplace_back(std::make_shared<Waiting>(executor_, commands.size()));
}

void Link::fail(Failure failure) {
    if (failure_) return;
    failure_ = std::move(failure);
    stream_.close();
    something_to_send_.cancel();
    for (const auto& waiting : line_) {
        waiting->failure = failure_;
        waiting->ended.cancel();
    }
    line_.clear();
}

}  // namespace prewarm::redis
