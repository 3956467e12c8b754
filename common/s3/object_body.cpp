#include "common/s3/object_body.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "common/s3/error_body.hpp"

namespace prewarm::s3 {

OpenObject::Body::Body(http::Client& client, Endpoint& endpoint, ObjectName object,
                       Announced announced, ResumeLimits limits, Deadline deadline)
    : client_{client},
      endpoint_{endpoint},
      object_{std::move(object)},
      announced_{announced},
      deadline_{deadline},
      plan_{limits, deadline} {}

// ---- asking ----------------------------------------------------------------------------------

Task<> OpenObject::Body::open() {
    const auto head = co_await ask({});
    if (!head) co_return head.error();
    const auto size = head->content_length();
    if (!size) co_return Failure{FailureKind::transient, what_ + ": no Content-Length"};
    if (announced_.bytes != 0 && *size != announced_.bytes) {
        co_return Failure{FailureKind::mismatch,
                          fmt::format("{}: it has {} bytes, but {} were announced", what_, *size,
                                      announced_.bytes)};
    }
    version_ = {*size, std::string{head->header("etag").value_or("")}};
    first_byte_ = head->first_byte;
    co_return Result<>{};
}

/// Starts a request, and waits for the head of an answer that holds the object.
Task<http::ResponseHead> OpenObject::Body::ask(std::vector<http::Header> headers) {
    auto request = endpoint_.request(http::Method::get, object_, std::move(headers),
                                     std::string{empty_payload}, deadline_);
    what_ = request.what;
    is_wanted_ = false;
    error_text_.clear();
    exchange_.emplace(client_.start(
        std::move(request), [this](const http::ResponseHead& head, std::span<const char> piece) {
            return take(head, piece);
        }));
    auto head = co_await exchange_->head();
    if (!head || is_object(*head)) co_return std::move(head);
    // Whether all of the error's text arrived does not change what it is.
    (void)co_await exchange_->finish();
    co_return failure_of(*head, error_text_, what_);
}

/// A part that was not asked for is none of ours.
bool OpenObject::Body::is_object(const http::ResponseHead& head) const {
    return head.status == 200 || (head.status == 206 && resumes_ > 0);
}

// ---- reading ---------------------------------------------------------------------------------

Task<std::string> OpenObject::Body::read_all() {
    held_.reserve(static_cast<std::size_t>(version_.size_bytes));
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
    pipe.on_space = [this] {
        if (exchange_) exchange_->resume();
    };
    auto done = co_await verified();
    if (!done) co_return done.error();
    auto written = co_await write_tail(pipe);
    if (!written) co_return written.error();
    leaves.complete = true;
    co_return Result<>{};
}

Task<> OpenObject::Body::verified() {
    auto downloaded = co_await download();
    if (!downloaded) co_return downloaded.error();
    const auto sha256 = digest_.finish();
    if (announced_.sha256 && sha256 != *announced_.sha256) {
        co_return Failure{FailureKind::mismatch,
                          fmt::format("{}: its SHA-256 is {}, but {} was announced", what_,
                                      sha256.hex(), announced_.sha256->hex())};
    }
    co_return Result<>{};
}

Task<> OpenObject::Body::download() {
    auto came = co_await take_what_comes();
    while (!came) {
        auto waited = co_await wait_to_resume(std::move(came.error()));
        if (!waited) co_return waited.error();
        came = co_await resume();
    }
    co_return Result<>{};
}

Task<> OpenObject::Body::take_what_comes() {
    is_wanted_ = true;
    exchange_->resume();
    auto ended = co_await exchange_->finish();
    if (!ended || taken_ == version_.size_bytes) co_return std::move(ended);
    co_return Failure{FailureKind::transient, what_ + ": it ended early"};
}

/// Or passes `why` on, if nothing is to be gained by another try.
Task<> OpenObject::Body::wait_to_resume(Failure why) {
    // Two halves of two versions would pass for one object.
    const bool is_guarded = announced_.sha256 || is_strong(version_.etag);
    std::optional<std::chrono::milliseconds> pause;
    if (is_guarded && taken_ < version_.size_bytes)
        pause = plan_.after(why, taken_, std::chrono::steady_clock::now());
    if (!pause) {
        why.detail += fmt::format(" (at byte {} of {}, resumed {} times)", taken_,
                                  version_.size_bytes, resumes_);
        co_return why;
    }
    exchange_.reset();
    co_await sleep_for(*pause);
    co_return Result<>{};
}

Task<> OpenObject::Body::resume() {
    ++resumes_;
    const auto head = co_await ask(headers_for_rest(version_, taken_));
    if (!head) {
        auto failure = head.error();
        if (failure.kind == FailureKind::mismatch)
            failure.detail += "; it changed while it was read";
        co_return failure;
    }
    const auto begins = beginning_of_rest(*head, version_, taken_, what_);
    if (!begins) co_return begins.error();
    at_ = *begins;
    co_return co_await take_what_comes();
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

// ---- what comes ------------------------------------------------------------------------------

Result<bool> OpenObject::Body::take(const http::ResponseHead& head, std::span<const char> piece) {
    if (!is_object(head)) {
        if (piece.size() > most_error_bytes - error_text_.size())
            return Failure{FailureKind::transient, "an error's text without end"};
        error_text_.append(piece.begin(), piece.end());
        return true;
    }
    if (!is_wanted_) return false;
    // A server that knows no ranges begins again with what was taken before.
    const auto known = std::min<std::uint64_t>(piece.size(), taken_ - at_);
    const auto fresh = piece.subspan(static_cast<std::size_t>(known));
    if (fresh.size() > version_.size_bytes - taken_)
        return Failure{FailureKind::transient, "more bytes came than it has"};
    if (!fresh.empty() && !take_fresh(fresh)) return false;
    at_ += piece.size();
    return true;
}

bool OpenObject::Body::take_fresh(std::span<const char> piece) {
    // A piece that is refused comes again, perhaps cut otherwise: only what is taken is counted.
    const bool is_last = taken_ + piece.size() == version_.size_bytes;
    if (pipe_ == nullptr || is_last) {
        held_.append(piece.begin(), piece.end());
    } else if (pipe_->write(piece) == 0) {
        return false;
    }
    digest_.update(piece);
    taken_ += piece.size();
    return true;
}

}  // namespace prewarm::s3
