#include "common/http/transfer.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "common/http/curl_failure.hpp"

namespace prewarm::http {
namespace {

constexpr std::size_t most_header_bytes = 32 * 1024;

std::string_view trimmed(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    return text;
}

std::string lower_case(std::string_view text) {
    std::string lower{text};
    for (auto& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

}  // namespace

Exchange::Transfer::~Transfer() {
    stop();
}

void Exchange::Transfer::start() {
    if (finished_) return;
    started_at_ = moved_at_ = std::chrono::steady_clock::now();
    if (is_sent()) request_sent_at_ = started_at_;
    multi_.add(easy_.get(), *this);
    running_ = true;
}

void Exchange::Transfer::stop() {
    if (!running_) return;
    running_ = false;
    multi_.remove(easy_.get());
}

// ---- what the owner waits for ----------------------------------------------------------------

Task<ResponseHead> Exchange::Transfer::head() {
    while (!has_head_ && !finished_)
        co_await wait();
    if (has_head_) co_return head_;  // What failed since is for finish() to say.
    co_return *failure_;
}

Task<> Exchange::Transfer::finish() {
    while (!finished_)
        co_await wait();
    if (failure_) co_return *failure_;
    co_return Result<>{};
}

asio::awaitable<void> Exchange::Transfer::wait() {
    changed_.expires_at(std::min(request_.deadline, quiet_until()));
    boost::system::error_code error;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none)
        throw boost::system::system_error{asio::error::operation_aborted};
    if (!finished_) fail_if_overdue();
}

/// libcurl's own time limits do not see why a transfer is paused; who holds it back does, and has a
/// limit itself.
Deadline Exchange::Transfer::quiet_until() const {
    if (paused_ != CURLPAUSE_CONT) return Deadline::max();
    return moved_at_ + (request_sent_at_ && !has_head_ ? options_.answer : options_.stall);
}

void Exchange::Transfer::fail_if_overdue() {
    const auto now = std::chrono::steady_clock::now();
    if (now < request_.deadline && now < quiet_until()) return;
    if (!has_head_ && request_sent_at_) {
        fail({FailureKind::unavailable, "no answer in time"});
    } else {
        const auto* what = now < request_.deadline ? "stalled" : "not done in time";
        fail({FailureKind::transient, what});
    }
    stop();
}

void Exchange::Transfer::fail(Failure failure) {
    finished_ = true;
    if (failure_) return;
    failure.detail = fmt::format("{}: {}", request_.what, failure.detail);
    failure_ = std::move(failure);
}

// ---- what libcurl tells ----------------------------------------------------------------------

void Exchange::Transfer::done(CURLcode code) {
    running_ = false;
    finished_ = true;
    if (code != CURLE_OK) {
        fail(failure_of(code, curl_error_.data()));
    } else if (!has_head_) {
        fail({FailureKind::transient, "an answer without a head"});
    }
    changed_.cancel();
}

void Exchange::Transfer::moved() {
    moved_at_ = std::chrono::steady_clock::now();
}

void Exchange::Transfer::on_given() {
    moved();
    if (is_sent()) request_sent_at_ = moved_at_;
}

bool Exchange::Transfer::is_sent() const {
    return std::ranges::all_of(sources_, &BodySource::is_spent);
}

void Exchange::Transfer::on_rewound() {
    // Parts are rewound one by one, and one of them may refuse.
    if (request_sent_at_) sent_in_vain_at_ = request_sent_at_;
    request_sent_at_.reset();
}

void Exchange::Transfer::on_dry() {
    paused_ |= CURLPAUSE_SEND;
}

void Exchange::Transfer::on_data() {
    resume_later(CURLPAUSE_SEND);
}

void Exchange::Transfer::resume_later(int direction) {
    // Posted, since this may be called from the other transfer's callback, or this one's.
    asio::post(multi_.executor(), [weak = weak_from_this(), direction] {
        const auto self = weak.lock();
        if (!self || !self->running_ || (self->paused_ & direction) == 0) return;
        self->paused_ &= ~direction;
        self->moved();
        self->changed_.cancel();  // Its time runs again.
        self->multi_.pause(self->easy_.get(), self->paused_);
    });
}

bool Exchange::Transfer::on_header(std::string_view line) {
    if (has_head_) return true;  // A trailer.
    header_bytes_ += line.size();
    if (header_bytes_ > most_header_bytes) {
        fail({FailureKind::transient,
              fmt::format("an answer with more than {} bytes of headers", most_header_bytes)});
        return false;
    }
    moved();
    if (line.starts_with("HTTP/")) {
        head_.headers.clear();  // Those so far were an interim answer's.
        return true;
    }
    if (const auto text = trimmed(line); !text.empty()) {
        const auto colon = text.find(':');
        if (colon != std::string_view::npos)
            head_.headers.emplace_back(lower_case(text.substr(0, colon)),
                                       trimmed(text.substr(colon + 1)));
        return true;
    }
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) return true;
    head_.status = static_cast<int>(status);
    head_.first_byte =
        std::chrono::duration_cast<std::chrono::microseconds>(moved_at_ - started_at_);
    has_head_ = true;
    changed_.cancel();
    // libcurl gives up sending after an error, but does not end a transfer that is paused.
    if (status >= 400 && (paused_ & CURLPAUSE_SEND) != 0) resume_later(CURLPAUSE_SEND);
    return true;
}

std::size_t Exchange::Transfer::on_body(std::span<const char> piece) {
    auto taken = sink_(head_, piece);
    if (!taken) {
        fail(std::move(taken.error()));
        return piece.size() + 1;  // Anything but its size: CURLE_WRITE_ERROR.
    }
    if (!*taken) {
        paused_ |= CURLPAUSE_RECV;
        return CURL_WRITEFUNC_PAUSE;
    }
    moved();
    return piece.size();
}

}  // namespace prewarm::http
