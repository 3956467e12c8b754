/// One pipelined connection to Redis, for all who need it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "common/redis/address.hpp"
#include "common/redis/reply.hpp"
#include "common/runtime/task.hpp"
#include "common/runtime/task_group.hpp"

namespace prewarm::redis {

class Link;

using Command = std::vector<std::string>;  ///< `{"SET", "key", "value"}`; any bytes.

struct ConnectionOptions {
    std::chrono::milliseconds connect_timeout{3000};
    std::chrono::milliseconds command_timeout{2000};         ///< Connecting included.
    std::size_t max_reply_bytes = std::size_t{16} << 20U;    ///< Of one command or pipeline's part.
    std::size_t max_waiting_bytes = std::size_t{64} << 20U;  ///< Not yet sent, of all commands.
};

/// A Lua script, known to the server by its digest.
class Script {
public:
    explicit Script(std::string text);

    const std::string& text() const { return text_; }
    const std::string& sha1() const { return sha1_; }  ///< Hex.

private:
    std::string text_;
    std::string sha1_;
};

/// Commands go out as they come, those of one turn of the loop in one write, and are answered in
/// order. It connects when first used, and again when used after the stream was lost; after a
/// failed attempt, commands fail at once for a time that grows and is jittered.
///
/// A lost stream fails all that wait with `unavailable`; what they did is then unknown. So does a
/// command that is not answered in time: the stream is given up for all.
/// Cancelling a waiting coroutine is safe: its reply is dropped when it comes.
///
/// Lives on one loop's thread. `close()` it before it is destroyed.
class Connection {
public:
    Connection(asio::any_io_executor executor, Address address, ConnectionOptions options = {});
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// The reply to one command. An error reply is a Failure (see `failure_of`).
    Task<Reply> command(Command command);

    /// One reply per command, in order. Error replies are left in their places. Others' commands
    /// may run in between: it is no transaction.
    Task<std::vector<Reply>> pipeline(std::vector<Command> commands);

    /// EVALSHA; sends the text when the server does not know it. The script must outlive the call.
    Task<Reply> eval(const Script& script, std::vector<std::string> keys,
                     std::vector<std::string> arguments);

    /// Whether a stream is open and we are let in.
    bool connected() const;

    /// Fails all that wait, and every later command.
    asio::awaitable<void> close();

private:
    asio::awaitable<void> serve(std::shared_ptr<Link> link);
    Result<std::shared_ptr<Link>> link();

    asio::any_io_executor executor_;
    Address address_;
    ConnectionOptions options_;
    TaskGroup tasks_;
    std::shared_ptr<Link> link_;
    bool closed_ = false;

    std::optional<Failure> away_;  ///< Why the last attempt to connect failed.
    std::chrono::steady_clock::time_point try_again_;
    std::chrono::milliseconds wait_;
    std::minstd_rand chance_{std::random_device{}()};
};

}  // namespace prewarm::redis
