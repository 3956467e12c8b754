/// An HTTP/1.1 server on the loop. Bodies are streamed in both directions, so that memory stays
/// flat whatever their size. Its library (Beast) stays inside server.cpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/base/failure.hpp"
#include "common/runtime/deadline.hpp"
#include "common/runtime/task.hpp"
#include "common/runtime/task_group.hpp"

namespace prewarm::http {

/// A request's body: read once, in order.
class RequestBody {
public:
    virtual ~RequestBody() = default;

    /// What the client announced; nothing for a chunked body. 0 without a body.
    virtual std::optional<std::uint64_t> length() const = 0;

    /// The next bytes, valid until the next call; none at the end. `transient` when the client hung
    /// up or stopped sending before the end, `refused` when what it sent is not HTTP.
    virtual Task<std::span<const char>> read_some() = 0;

    /// The whole body; `too_large` when it is over `limit_bytes`.
    Task<std::string> read_all(std::size_t limit_bytes);
};

/// What is asked. Valid until the handler has returned.
struct Request {
    std::string_view method;                                 ///< As sent: `GET`.
    std::string_view target;                                 ///< Path and query as sent.
    std::string_view raw_path;                               ///< As sent.
    std::string path;                                        ///< Percent-decoded.
    std::vector<std::pair<std::string, std::string>> query;  ///< Decoded, in order; `+` is a space.
    std::vector<std::pair<std::string_view, std::string_view>> headers;  ///< As sent, in order.
    std::string remote;                                                  ///< `127.0.0.1:4711`.
    RequestBody* body = nullptr;                                         ///< Never null.

    /// The first header of this name, in any case.
    std::optional<std::string_view> header(std::string_view name) const;
    /// The first query parameter of this name.
    std::optional<std::string_view> parameter(std::string_view name) const;
};

/// A body made while it is sent. `next` gives the next bytes, valid until the next call, `length`
/// of them in all; a failure or too few drop the connection, so that the client sees it.
struct StreamedBody {
    std::uint64_t length = 0;
    std::function<Task<std::span<const char>>()> next;
};

/// How a connection ends without an answer: for simulators, as no honest handler wants it.
enum class HangUp : std::uint8_t {
    no,
    closes,  ///< As a server does that has ended.
    resets,  ///< The client loses what it has not read yet, too.
};

/// What is answered. Content-Length, Date and Connection are the server's; to HEAD it sends the
/// headers only. A connection that becomes something else (WebSocket) would be a third body.
struct Response {
    unsigned status = 200;
    std::vector<std::pair<std::string, std::string>> headers{};
    std::variant<std::string, StreamedBody> body{};
    bool close = false;           ///< Ask the client to go on with a new connection.
    HangUp hang_up = HangUp::no;  ///< Otherwise nothing is sent at all.
};

/// A whole answer of `content_type`.
Response respond(unsigned status, std::string_view content_type, std::string body);

/// Answers one request. What it throws is logged and answered with 500. It need not read the body:
/// what is left of a small one is read and dropped, otherwise the connection is closed.
using Handler = std::function<asio::awaitable<Response>(Request& request)>;

struct ServerOptions {
    std::size_t header_bytes = 16UL * 1024;         ///< More is answered with 431.
    std::size_t drain_bytes = 256UL * 1024;         ///< Of a body that no handler read.
    std::size_t max_connections = 2000;             ///< More wait to be accepted.
    std::chrono::milliseconds header_time{10'000};  ///< From its first byte to the last header.
    std::chrono::milliseconds idle_time{75'000};    ///< Between requests of one connection.
    std::chrono::milliseconds stall_time{60'000};   ///< For a body that has stopped moving.
};

class ServerConnection;

/// Accepts connections and has their requests answered by one handler, on one loop's thread.
/// Must be stopped before it is destroyed.
class Server {
public:
    Server(asio::any_io_executor executor, Handler handler, ServerOptions options = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Listens on `address`, `host:port` or `[v6]:port`; port 0 picks a free one. `misconfigured`
    /// when that cannot be, saying why and what to do.
    Result<> listen(std::string_view address);

    std::uint16_t port() const;   ///< The bound port.
    std::string address() const;  ///< `127.0.0.1:8081` as bound.
    std::size_t connections() const { return connections_.size(); }

    /// Accepts no more, closes connections that wait for a request, lets answers at work finish
    /// until `deadline`, then cancels them.
    asio::awaitable<void> stop(Deadline deadline);

private:
    asio::awaitable<void> accept_connections();
    asio::awaitable<void> serve(ServerConnection& connection);
    asio::awaitable<void> close_overdue();

    asio::any_io_executor executor_;
    Handler handler_;
    ServerOptions options_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer room_;  ///< Cancelled when a connection ends.
    std::list<std::unique_ptr<ServerConnection>> connections_;
    bool stopping_ = false;
    TaskGroup tasks_;
};

/// `application/x-www-form-urlencoded` text, such as a query: decoded names and values, in order.
/// `refused` when it is not that.
Result<std::vector<std::pair<std::string, std::string>>> parse_form(std::string_view text);

/// As headers spell it: `Sun, 06 Nov 1994 08:49:37 GMT`.
std::string http_date(std::chrono::system_clock::time_point time);

}  // namespace prewarm::http
