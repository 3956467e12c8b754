#include "common/s3/object_reader.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "common/s3/digest.hpp"
#include "common/s3/error_body.hpp"

namespace prewarm::s3 {

/// An answer's body on its way to whoever wants it. It stays where it is: libcurl and the pipe
/// refer to it.
class OpenObject::Body {
public:
    Body(http::Client& client, http::ClientRequest request, Announced announced)
        : what_{request.what},
          deadline_{request.deadline},
          announced_{announced},
          exchange_{client.start(std::move(request), [this](const http::ResponseHead& head,
                                                            std::span<const char> piece) {
              return take(head, piece);
          })} {}

    Task<> open();
    Task<> read_into(BytePipe& pipe);
    Task<std::string> read_all();

    const http::ResponseHead& head() const { return head_; }
    std::uint64_t size_bytes() const { return size_; }
    std::uint64_t taken_bytes() const { return taken_; }
    const std::string& etag() const { return etag_; }

private:
    Result<bool> take(const http::ResponseHead& head, std::span<const char> piece);
    bool take_object(std::span<const char> piece);
    void start_taking();
    Task<> verified();
    Task<> write_tail(BytePipe& pipe);

    std::string what_;
    Deadline deadline_;
    Announced announced_;
    http::ResponseHead head_;
    std::uint64_t size_ = 0;
    std::string etag_;

    BytePipe* pipe_ = nullptr;  ///< Where the object goes, if not into `held_`.
    bool is_wanted_ = false;
    std::uint64_t taken_ = 0;
    Digest digest_;
    std::string held_;  ///< The tail, the whole object, or an error's body.
    http::Exchange exchange_;
};

Task<> OpenObject::Body::open() {
    auto head = co_await exchange_.head();
    if (!head) co_return head.error();
    head_ = std::move(*head);
    if (head_.status != 200) {
        // Whether all of the error's text arrived does not change what it is.
        (void)co_await exchange_.finish();
        co_return failure_of(head_, held_, what_);
    }
    const auto size = head_.content_length();
    if (!size) co_return Failure{FailureKind::transient, what_ + ": no Content-Length"};
    if (announced_.bytes != 0 && *size != announced_.bytes) {
        co_return Failure{FailureKind::mismatch,
                          fmt::format("{}: it has {} bytes, but {} were announced", what_, *size,
                                      announced_.bytes)};
    }
    size_ = *size;
    etag_ = head_.header("etag").value_or("");
    co_return Result<>{};
}

Result<bool> OpenObject::Body::take(const http::ResponseHead& head, std::span<const char> piece) {
    if (head.status == 200) return is_wanted_ && take_object(piece);
    if (piece.size() > most_error_bytes - held_.size())
        return Failure{FailureKind::transient, "an error's text without end"};
    held_.append(piece.begin(), piece.end());
    return true;
}

bool OpenObject::Body::take_object(std::span<const char> piece) {
    // A piece that is refused comes again, perhaps cut otherwise: only what is taken is counted.
    const bool is_last = taken_ + piece.size() >= size_;
    if (pipe_ == nullptr || is_last) {
        held_.append(piece.begin(), piece.end());
    } else if (pipe_->write(piece) == 0) {
        return false;
    }
    digest_.update(piece);
    taken_ += piece.size();
    return true;
}

void OpenObject::Body::start_taking() {
    is_wanted_ = true;
    exchange_.resume();
}

Task<> OpenObject::Body::verified() {
    auto finished = co_await exchange_.finish();
    if (!finished) co_return finished.error();
    if (taken_ != size_) {
        co_return Failure{FailureKind::mismatch,
                          fmt::format("{}: {} bytes came of {}", what_, taken_, size_)};
    }
    const auto sha256 = digest_.finish();
    if (announced_.sha256 && sha256 != *announced_.sha256) {
        co_return Failure{FailureKind::mismatch,
                          fmt::format("{}: its SHA-256 is {}, but {} was announced", what_,
                                      sha256.hex(), announced_.sha256->hex())};
    }
    co_return Result<>{};
}

Task<std::string> OpenObject::Body::read_all() {
    held_.reserve(static_cast<std::size_t>(size_));
    start_taking();
    auto done = co_await verified();
    if (!done) co_return done.error();
    co_return std::move(held_);
}

Task<> OpenObject::Body::read_into(BytePipe& pipe) {
    // However this ends, the pipe does not call back, and its reader does not wait for ever.
    struct LeavesThePipe {
        BytePipe& pipe;
        bool complete = false;
        ~LeavesThePipe() {
            pipe.on_space = nullptr;
            if (complete) {
                pipe.close();
            } else {
                pipe.break_off();
            }
        }
    } leaves{pipe};

    pipe_ = &pipe;
    pipe.on_space = [this] { exchange_.resume(); };
    start_taking();
    auto done = co_await verified();
    if (!done) co_return done.error();
    auto written = co_await write_tail(pipe);
    if (!written) co_return written.error();
    leaves.complete = true;
    co_return Result<>{};
}

Task<> OpenObject::Body::write_tail(BytePipe& pipe) {
    asio::steady_timer room{co_await asio::this_coro::executor};
    pipe.on_space = [&room] { room.cancel(); };
    while (!held_.empty() && pipe.write(held_) == 0) {
        if (std::chrono::steady_clock::now() >= deadline_)
            co_return Failure{FailureKind::transient, what_ + ": nobody took its end in time"};
        boost::system::error_code ignored;
        room.expires_at(deadline_);
        co_await room.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        co_await asio::post(asio::use_awaitable);  // Throws if it was we who were cancelled.
    }
    co_return Result<>{};
}

OpenObject::OpenObject(std::unique_ptr<Body> body) : body_{std::move(body)} {}
OpenObject::~OpenObject() = default;
OpenObject::OpenObject(OpenObject&&) noexcept = default;
OpenObject& OpenObject::operator=(OpenObject&&) noexcept = default;

std::uint64_t OpenObject::size_bytes() const {
    return body_->size_bytes();
}

std::uint64_t OpenObject::taken_bytes() const {
    return body_->taken_bytes();
}

const std::string& OpenObject::etag() const {
    return body_->etag();
}

std::chrono::microseconds OpenObject::first_byte() const {
    return body_->head().first_byte;
}

Task<> OpenObject::read_into(BytePipe& pipe) {
    return body_->read_into(pipe);
}

Task<std::string> OpenObject::read_all() {
    return body_->read_all();
}

ObjectReader::ObjectReader(http::Client& client, Endpoint& endpoint)
    : client_{client}, endpoint_{endpoint} {}

Task<OpenObject> ObjectReader::open(ObjectName object, Announced announced, Deadline deadline) {
    auto request =
        endpoint_.request(http::Method::get, object, {}, std::string{empty_payload}, deadline);
    auto body = std::make_unique<OpenObject::Body>(client_, std::move(request), announced);
    auto opened = co_await body->open();
    if (!opened) co_return opened.error();
    co_return OpenObject{std::move(body)};
}

}  // namespace prewarm::s3
