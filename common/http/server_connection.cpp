#include "common/http/server_connection.hpp"

#include <algorithm>
#include <exception>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include "common/log/log.hpp"

namespace prewarm::http {
namespace {

namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::size_t chunk_bytes = 64UL * 1024;
constexpr std::size_t header_read_bytes = 4UL * 1024;
constexpr std::chrono::milliseconds longest_linger{2'000};
constexpr std::string_view interim_answer = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view std_view(boost::core::string_view text) {
    return {text.data(), text.size()};
}

boost::core::string_view boost_view(std::string_view text) {
    return {text.data(), text.size()};
}

/// Not HTTP, as opposed to a connection that has ended or broken.
bool is_malformed(const error_code& error) {
    static const auto& category = make_error_code(beast::http::error::bad_method).category();
    return error.category() == category && error != beast::http::error::end_of_stream &&
           error != beast::http::error::partial_message;
}

class Connection final : public ServerConnection, public RequestBody {
public:
    Connection(tcp::socket socket, const ServerOptions& options)
        : options_{options}, socket_{std::move(socket)}, buffer_{2 * chunk_bytes} {}

    asio::awaitable<void> run(const Handler& handler, const bool& stopping) override;
    void close() override;
    bool waits_for_a_request() const override { return waits_for_a_request_; }
    bool overdue(steady_clock::time_point now) const override { return now >= deadline_; }

    std::optional<std::uint64_t> length() const override;
    Task<std::span<const char>> read_some() override;

private:
    using Parser = beast::http::request_parser<beast::http::buffer_body>;
    using Message = beast::http::response<beast::http::buffer_body>;
    using Serializer = beast::http::response_serializer<beast::http::buffer_body>;

    /// Bounds the waits of a scope: handlers take as long as they like, a peer must keep moving.
    class Timed {
    public:
        Timed(Connection& connection, std::chrono::milliseconds time) : connection_{connection} {
            connection_.deadline_ = steady_clock::now() + time;
        }
        ~Timed() { connection_.deadline_ = steady_clock::time_point::max(); }
        Timed(const Timed&) = delete;
        Timed& operator=(const Timed&) = delete;

    private:
        Connection& connection_;
    };

    asio::awaitable<bool> await_first_bytes();
    asio::awaitable<error_code> read_header();
    Result<Request> request();
    asio::awaitable<Response> answer_to(const Handler& handler);
    asio::awaitable<bool> send(Response response, bool keep_alive);
    asio::awaitable<bool> send_streamed(StreamedBody body, Serializer& serializer,
                                        Message& message);
    void make_room();
    asio::awaitable<bool> send_interim_answer();
    asio::awaitable<bool> drain();
    asio::awaitable<void> linger();
    void hang_up(HangUp how);
    Message message_of(const Response& response, bool keep_alive) const;
    Failure broken(const error_code& error) const;

    const ServerOptions& options_;
    tcp::socket socket_;
    beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    std::vector<char> chunk_;
    std::string remote_;
    error_code unreadable_;  ///< Set when reading has failed.
    bool awaits_interim_answer_ = false;
    bool waits_for_a_request_ = false;
    steady_clock::time_point deadline_ = steady_clock::time_point::max();
};

asio::awaitable<void> Connection::run(const Handler& handler, const bool& stopping) {
    error_code error;
    socket_.set_option(tcp::no_delay{true}, error);
    remote_ = text_of(socket_.remote_endpoint(error));
    while (!stopping && co_await await_first_bytes()) {
        error = co_await read_header();
        if (error) {
            if (!is_malformed(error)) break;
            const unsigned status = error == beast::http::error::header_limit ? 431 : 400;
            if (co_await send(Response{.status = status}, false)) co_await linger();
            break;
        }
        auto response = co_await answer_to(handler);
        if (response.hang_up != HangUp::no) {
            hang_up(response.hang_up);
            break;
        }
        const bool unwanted_body = awaits_interim_answer_;
        const bool keep_alive =
            parser_->keep_alive() && !response.close && !stopping && !unwanted_body;
        if (!co_await send(std::move(response), keep_alive)) break;
        if (keep_alive && co_await drain()) continue;
        if (!parser_->is_done() && !unreadable_) co_await linger();
        break;
    }
    close();
}

void Connection::close() {
    error_code ignored;
    socket_.close(ignored);
}

/// False when the client has gone, or asked for nothing in time.
asio::awaitable<bool> Connection::await_first_bytes() {
    if (buffer_.size() > 0) co_return true;  // It did not wait for the last answer.
    waits_for_a_request_ = true;
    const Timed timed{*this, options_.idle_time};
    error_code error;
    const auto size = co_await socket_.async_read_some(
        buffer_.prepare(header_read_bytes), asio::redirect_error(asio::use_awaitable, error));
    waits_for_a_request_ = false;
    buffer_.commit(size);
    co_return !error;
}

asio::awaitable<error_code> Connection::read_header() {
    const Timed timed{*this, options_.header_time};
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(options_.header_bytes));
    parser_->body_limit(boost::none);  // Handlers bound what they read.
    error_code error;
    co_await beast::http::async_read_header(socket_, buffer_, *parser_,
                                            asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return error;
    const auto& message = parser_->get();
    awaits_interim_answer_ = message.version() >= 11 && !parser_->is_done() &&
                             beast::iequals(message[beast::http::field::expect], "100-continue");
    co_return error;
}

Result<Request> Connection::request() {
    const auto& message = parser_->get();
    Request request{.method = std_view(message.method_string()),
                    .target = std_view(message.target()),
                    .raw_path = {},
                    .path = {},
                    .query = {},
                    .headers = {},
                    .remote = remote_,
                    .body = this};
    const auto url = boost::urls::parse_origin_form(message.target());
    if (url.has_error()) return Failure{FailureKind::refused, "the target is not a valid path"};
    request.raw_path = std_view(url->encoded_path());
    request.path = url->encoded_path().decode();
    if (url->has_query()) {
        auto query = parse_form(std_view(url->encoded_query()));
        if (!query) return query.error();
        request.query = std::move(*query);
    }
    for (const auto& field : message)
        request.headers.emplace_back(std_view(field.name_string()), std_view(field.value()));
    return request;
}

asio::awaitable<Response> Connection::answer_to(const Handler& handler) {
    auto asked = request();
    if (!asked) co_return respond(400, "text/plain; charset=utf-8", asked.error().detail + "\n");
    try {
        co_return co_await handler(*asked);
    } catch (const boost::system::system_error& error) {
        if (error.code() == asio::error::operation_aborted) throw;
        log::error("http.handler_failed", error.what(), {{"method", asked->method}});
    } catch (const std::exception& error) {
        log::error("http.handler_failed", error.what(), {{"method", asked->method}});
    }
    co_return respond(500, "text/plain; charset=utf-8", "internal error\n");
}

// ---- the request's body -------------------------------------------------------------------------

std::optional<std::uint64_t> Connection::length() const {
    if (parser_->is_done() && !parser_->chunked() && !parser_->content_length()) return 0;
    const auto length = parser_->content_length();
    return length ? std::optional<std::uint64_t>{*length} : std::nullopt;
}

Task<std::span<const char>> Connection::read_some() {
    if (parser_->is_done()) co_return std::span<const char>{};
    if (unreadable_) co_return broken(unreadable_);
    if (!co_await send_interim_answer()) co_return broken({});
    make_room();
    auto& body = parser_->get().body();
    while (!parser_->is_done()) {
        body.data = chunk_.data();
        body.size = chunk_.size();
        const Timed timed{*this, options_.stall_time};
        error_code error;
        co_await beast::http::async_read_some(socket_, buffer_, *parser_,
                                              asio::redirect_error(asio::use_awaitable, error));
        if (error && error != beast::http::error::need_buffer) {
            // Asio may wait for ever for what comes after an end.
            unreadable_ = error;
            co_return broken(error);
        }
        const auto size = chunk_.size() - body.size;
        if (size > 0) co_return std::span<const char>{chunk_.data(), size};
    }
    co_return std::span<const char>{};
}

/// As much as is worth it for this body, once.
void Connection::make_room() {
    const auto wanted = std::min<std::uint64_t>(length().value_or(chunk_bytes), chunk_bytes);
    if (chunk_.size() < wanted) chunk_.resize(wanted);
    buffer_.reserve(chunk_.size());  // Beast reads no more at once than there is room for.
}

/// The client waits to hear that its body is wanted: it is, once somebody reads it.
asio::awaitable<bool> Connection::send_interim_answer() {
    if (!std::exchange(awaits_interim_answer_, false)) co_return true;
    const Timed timed{*this, options_.stall_time};
    error_code error;
    co_await asio::async_write(socket_, asio::buffer(interim_answer),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
}

Failure Connection::broken(const error_code& error) const {
    if (!socket_.is_open()) return {FailureKind::transient, "the client stopped sending"};
    if (is_malformed(error))
        return {FailureKind::refused, "the body is not valid HTTP: " + error.message()};
    return {FailureKind::transient, "the client hung up before the end of the body"};
}

/// False when more is left than is worth reading.
asio::awaitable<bool> Connection::drain() {
    std::size_t drained = 0;
    while (!parser_->is_done()) {
        const auto bytes = co_await read_some();
        if (!bytes) co_return false;
        drained += bytes->size();
        if (drained > options_.drain_bytes) co_return false;
    }
    co_return true;
}

/// Closing with unread bytes would reset the connection, and the client might never see the answer:
/// so say that nothing follows, and give it a moment to hang up.
asio::awaitable<void> Connection::linger() {
    error_code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    const Timed timed{*this, std::min(options_.stall_time, longest_linger)};
    chunk_.resize(chunk_bytes);
    std::size_t drained = 0;
    while (!error && drained <= options_.drain_bytes) {
        drained += co_await socket_.async_read_some(
            asio::buffer(chunk_), asio::redirect_error(asio::use_awaitable, error));
    }
}

/// Closing resets the connection if it need not wait for what was sent to arrive, or if bytes have
/// come that nobody read.
void Connection::hang_up(HangUp how) {
    error_code ignored;
    if (how == HangUp::resets) socket_.set_option(tcp::socket::linger{true, 0}, ignored);
    close();
}

// ---- the answer ---------------------------------------------------------------------------------

Connection::Message Connection::message_of(const Response& response, bool keep_alive) const {
    const auto version = parser_->is_header_done() ? parser_->get().version() : 11;
    Message message{static_cast<beast::http::status>(response.status), version};
    message.keep_alive(keep_alive);
    message.set(beast::http::field::date, boost_view(http_date(std::chrono::system_clock::now())));
    for (const auto& [name, value] : response.headers)
        message.insert(boost_view(name), boost_view(value));
    const bool bodiless = response.status == 204 || response.status == 304;
    if (const auto* streamed = std::get_if<StreamedBody>(&response.body)) {
        message.content_length(streamed->length);
    } else if (!bodiless) {
        message.content_length(std::get<std::string>(response.body).size());
    }
    return message;
}

/// False when the connection is of no use any more.
asio::awaitable<bool> Connection::send(Response response, bool keep_alive) {
    auto message = message_of(response, keep_alive);
    Serializer serializer{message};
    const bool header_only =
        parser_->is_header_done() && parser_->get().method() == beast::http::verb::head;
    error_code error;
    std::optional<Timed> timed{std::in_place, *this, options_.stall_time};
    if (auto* streamed = std::get_if<StreamedBody>(&response.body)) {
        message.body().data = nullptr;
        message.body().more = true;
        co_await beast::http::async_write_header(socket_, serializer,
                                                 asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return false;
        if (header_only) co_return true;
        timed.reset();
        co_return co_await send_streamed(std::move(*streamed), serializer, message);
    }
    auto& text = std::get<std::string>(response.body);
    message.body().data = header_only ? nullptr : text.data();
    message.body().size = header_only ? 0 : text.size();
    message.body().more = false;
    if (header_only) {
        co_await beast::http::async_write_header(socket_, serializer,
                                                 asio::redirect_error(asio::use_awaitable, error));
    } else {
        co_await beast::http::async_write(socket_, serializer,
                                          asio::redirect_error(asio::use_awaitable, error));
    }
    co_return !error;
}

asio::awaitable<bool> Connection::send_streamed(StreamedBody body, Serializer& serializer,
                                                Message& message) {
    auto left = body.length;
    while (left > 0) {
        auto bytes = co_await body.next();
        if (!bytes) {
            log::warn("http.body_broke_off", bytes.error().detail);
            co_return false;
        }
        if (bytes->empty() || bytes->size() > left) {
            log::error("http.body_broke_off", "a body has another length than was announced");
            co_return false;
        }
        left -= bytes->size();
        // The serializer only reads, its interface is that of a buffer that may be written, too.
        message.body().data = const_cast<char*>(bytes->data());  // NOLINT
        message.body().size = bytes->size();
        message.body().more = left > 0;
        const Timed timed{*this, options_.stall_time};
        error_code error;
        co_await beast::http::async_write(socket_, serializer,
                                          asio::redirect_error(asio::use_awaitable, error));
        if (error && error != beast::http::error::need_buffer) co_return false;
    }
    co_return true;
}

}  // namespace

std::unique_ptr<ServerConnection> make_connection(tcp::socket socket,
                                                  const ServerOptions& options) {
    return std::make_unique<Connection>(std::move(socket), options);
}

}  // namespace prewarm::http
