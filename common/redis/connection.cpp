#include "common/redis/connection.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <openssl/evp.h>

#include "common/redis/link.hpp"
#include "common/runtime/deadline.hpp"

namespace prewarm::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds first_wait{50};
constexpr milliseconds longest_wait{2000};  // So that work goes on soon after an outage.

std::string sha1_of(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    std::string hex;
    for (unsigned int at = 0; at < size; ++at) {
        hex += digits[digest[at] >> 4U];
        hex += digits[digest[at] & 15U];
    }
    return hex;
}

asio::awaitable<void> write(std::shared_ptr<Link> link) {
    co_await link->write();
}

}  // namespace

Script::Script(std::string text) : text_{std::move(text)}, sha1_{sha1_of(text_)} {}

Connection::Connection(asio::any_io_executor executor, Address address, ConnectionOptions options)
    : executor_{executor},
      address_{std::move(address)},
      options_{options},
      tasks_{executor},
      wait_{first_wait} {}

Connection::~Connection() = default;

asio::awaitable<void> Connection::serve(std::shared_ptr<Link> link) {
    co_await link->connect();
    if (link->is_open()) {
        tasks_.spawn(write(link));
        co_return co_await link->read();
    }
    away_ = link->failure();
    std::uniform_int_distribution<milliseconds::rep> jittered{wait_.count() / 2, wait_.count()};
    try_again_ = steady_clock::now() + milliseconds{jittered(chance_)};
    wait_ = std::min(2 * wait_, longest_wait);
}

/// The link to send on: there may be none yet, or none any more.
Result<std::shared_ptr<Link>> Connection::link() {
    if (closed_) return Failure{FailureKind::unavailable, "Redis: the connection is closed"};
    if (link_ && link_->is_open()) {
        away_.reset();
        wait_ = first_wait;
    }
    if (link_ && !link_->failure()) {
        // After an outage, one caller is enough to find out whether it is over.
        if (away_ && !link_->is_open()) return *away_;
        return link_;
    }
    if (away_ && steady_clock::now() < try_again_) return *away_;
    link_ = std::make_shared<Link>(executor_, address_, options_);
    tasks_.spawn(serve(link_));
    return link_;
}

Task<std::vector<Reply>> Connection::pipeline(std::vector<Command> commands) {
    if (commands.empty()) co_return std::vector<Reply>{};
    const auto found = link();
    if (!found) co_return found.error();
    const auto on = *found;
    if (on->waiting_bytes() > options_.max_waiting_bytes) {
        co_return Failure{FailureKind::unavailable, "Redis: too much waits to be sent"};
    }
    const auto waiting = on->send(commands);
    waiting->ended.expires_after(options_.command_timeout);
    boost::system::error_code ended;
    co_await waiting->ended.async_wait(asio::redirect_error(asio::use_awaitable, ended));

    if (waiting->answered()) co_return std::move(waiting->replies);
    if (waiting->failure) co_return *waiting->failure;
    if (ended) throw boost::system::system_error{asio::error::operation_aborted};
    const Failure late{FailureKind::unavailable, "Redis: no answer in time"};
    // Replies come in order: nobody behind this one is answered either. (While it is still
    // connecting that has a time limit of its own.)
    if (on->is_open()) on->fail(late);
    co_return late;
}

Task<Reply> Connection::command(Command command) {
    std::vector<Command> one;
    one.push_back(std::move(command));
    auto replies = co_await pipeline(std::move(one));
    if (!replies) co_return replies.error();
    auto& reply = replies->front();
    if (const auto* error = reply.error()) {
        // The primary has become a replica: whoever is asked next may know the new one.
        if (error->code() == "READONLY" && link_) link_->fail(failure_of(*error));
        co_return failure_of(*error);
    }
    co_return std::move(reply);
}

Task<Reply> Connection::eval(const Script& script, std::vector<std::string> keys,
                             std::vector<std::string> arguments) {
    Command evaluate{"EVALSHA", script.sha1(), std::to_string(keys.size())};
    std::ranges::move(keys, std::back_inserter(evaluate));
    std::ranges::move(arguments, std::back_inserter(evaluate));
    auto reply = co_await command(evaluate);
    if (reply || !reply.error().detail.starts_with("Redis: NOSCRIPT")) co_return reply;
    evaluate[0] = "EVAL";
    evaluate[1] = script.text();
    co_return co_await command(std::move(evaluate));
}

bool Connection::connected() const {
    return link_ && link_->is_open();
}

asio::awaitable<void> Connection::close() {
    closed_ = true;
    if (link_) link_->fail({FailureKind::unavailable, "Redis: the connection is closed"});
    tasks_.cancel_all();
    co_await tasks_.join(Deadline::max());
}

}  // namespace prewarm::redis
