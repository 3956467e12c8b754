/// One of libcurl's easy handles, with all that it refers to. Private to this module.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <boost/asio/steady_timer.hpp>
#include <curl/curl.h>

#include "common/http/body_source.hpp"
#include "common/http/client.hpp"
#include "common/http/exchange.hpp"
#include "common/http/multi.hpp"

namespace prewarm::http {

/// libcurl calls its members from within Multi's calls. What they learn is noted, and the waiting
/// coroutine told by its timer, so that it runs when libcurl has returned.
class Exchange::Transfer final : public Multi::Transfer,
                                 public BodySource::Owner,
                                 public std::enable_shared_from_this<Exchange::Transfer> {
public:
    Transfer(Multi& multi, const ClientOptions& options, ClientRequest request, Sink sink);
    ~Transfer();
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    void start();
    Task<ResponseHead> head();
    Task<> finish();
    void resume_later(int direction);
    std::optional<Deadline> request_sent_at() const {
        return request_sent_at_ ? request_sent_at_ : sent_in_vain_at_;
    }
    bool was_repeated() const { return sent_in_vain_at_.has_value(); }

private:
    struct Cleanup {
        void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
        void operator()(curl_mime* mime) const { curl_mime_free(mime); }
        void operator()(curl_slist* list) const { curl_slist_free_all(list); }
    };

    void set_connection();
    void set_callbacks();
    void set_headers();
    void set_body();
    void set_multipart(Multipart parts);
    BodySource& use_source(Content content);

    void done(CURLcode code) override;
    void on_given() override;
    void on_rewound() override;
    void on_dry() override;
    void on_data() override;
    bool on_header(std::string_view line);
    std::size_t on_body(std::span<const char> piece);

    bool is_sent() const;
    asio::awaitable<void> wait();
    Deadline quiet_until() const;
    void fail_if_overdue();
    void fail(Failure failure);
    void stop();
    void moved();

    Multi& multi_;
    const ClientOptions& options_;
    ClientRequest request_;
    Sink sink_;

    // In this order: the handle goes before what it refers to.
    std::deque<BodySource> sources_;
    std::array<char, CURL_ERROR_SIZE> curl_error_{};
    std::unique_ptr<curl_slist, Cleanup> headers_;
    std::unique_ptr<CURL, Cleanup> easy_;
    std::unique_ptr<curl_mime, Cleanup> mime_;

    asio::steady_timer changed_;  ///< Cancelled when something was noted for who waits.
    Deadline started_at_{};
    Deadline moved_at_{};
    std::optional<Deadline> request_sent_at_;
    std::optional<Deadline> sent_in_vain_at_;  ///< By a connection that ended without an answer.
    bool running_ = false;
    bool finished_ = false;
    bool has_head_ = false;
    int paused_ = CURLPAUSE_CONT;
    std::size_t header_bytes_ = 0;
    ResponseHead head_;
    std::optional<Failure> failure_;
};

}  // namespace prewarm::http
