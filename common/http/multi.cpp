#include "common/http/multi.hpp"

#include <cassert>
#include <chrono>
#include <stdexcept>

#include <boost/asio/error.hpp>

namespace prewarm::http {
namespace {

void check(CURLMcode code) {
    if (code != CURLM_OK) throw std::runtime_error{curl_multi_strerror(code)};
}

CURLM* make_multi() {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    auto* multi = ready == CURLE_OK ? curl_multi_init() : nullptr;
    if (multi == nullptr) throw std::runtime_error{"libcurl cannot be initialised"};
    return multi;
}

}  // namespace

Multi::Multi(asio::any_io_executor executor, std::size_t kept_connections)
    : executor_{std::move(executor)}, multi_{make_multi()}, timer_{executor_} {
    check(curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket));
    check(curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this));
    check(curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::on_timer));
    check(curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this));
    check(curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(kept_connections)));
}

Multi::~Multi() {
    assert(running_ == 0);
    // It closes what is kept, and may still call on_socket and on_timer.
    curl_multi_cleanup(multi_);
    for (auto& [socket, watch] : watches_)
        watch->descriptor.release();
}

void Multi::add(CURL* easy, Transfer& transfer) {
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
    check(curl_multi_add_handle(multi_, easy));
    ++running_;
}

void Multi::remove(CURL* easy) {
    forget(easy);
}

void Multi::forget(CURL* easy) {
    long made = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &made);
    connections_made_ += static_cast<std::uint64_t>(made);
    check(curl_multi_remove_handle(multi_, easy));
    --running_;
}

void Multi::pause(CURL* easy, int directions) {
    const auto code = curl_easy_pause(easy, directions);
    if (code != CURLE_OK) {
        // What was held back could not be delivered. libcurl reports it here, and only here.
        Transfer* transfer = nullptr;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
        forget(easy);
        transfer->done(code);
    }
    collect_done();
}

int Multi::on_socket(CURL*, curl_socket_t socket, int wanted, void* self, void*) {
    return static_cast<Multi*>(self)->watch(socket, wanted);
}

int Multi::on_timer(CURLM*, long milliseconds, void* self) {
    static_cast<Multi*>(self)->set_timer(milliseconds);
    return 0;
}

int Multi::watch(curl_socket_t socket, int wanted) {
    const auto known = watches_.find(socket);
    if (wanted == CURL_POLL_REMOVE) {
        if (known == watches_.end()) return 0;
        known->second->descriptor.release();  // Cancels what waits; libcurl closes the socket.
        watches_.erase(known);
        return 0;
    }
    auto watch = known != watches_.end() ? known->second : std::make_shared<Watch>(executor_);
    if (known == watches_.end()) {
        boost::system::error_code error;
        watch->descriptor.assign(socket, error);
        if (error) return -1;
        watches_.emplace(socket, watch);
    }
    watch->wanted = wanted;
    await(socket, watch);
    return 0;
}

void Multi::await(curl_socket_t socket, const std::shared_ptr<Watch>& watch) {
    if ((watch->wanted & CURL_POLL_IN) != 0 && !watch->awaits_read)
        await(socket, watch, CURL_CSELECT_IN);
    if ((watch->wanted & CURL_POLL_OUT) != 0 && !watch->awaits_write)
        await(socket, watch, CURL_CSELECT_OUT);
}

void Multi::await(curl_socket_t socket, const std::shared_ptr<Watch>& watch, int direction) {
    const bool reads = direction == CURL_CSELECT_IN;
    (reads ? watch->awaits_read : watch->awaits_write) = true;
    watch->descriptor.async_wait(
        reads ? asio::posix::stream_descriptor::wait_read
              : asio::posix::stream_descriptor::wait_write,
        [this, alive = std::weak_ptr{alive_}, socket, watch,
         direction](boost::system::error_code error) {
            const bool for_read = direction == CURL_CSELECT_IN;
            (for_read ? watch->awaits_read : watch->awaits_write) = false;
            if (error == asio::error::operation_aborted || alive.expired()) return;

            // The socket may be gone since, and its number given to another.
            const auto is_current = [&] {
                const auto found = watches_.find(socket);
                return found != watches_.end() && found->second == watch;
            };
            if (!is_current()) return;
            if ((watch->wanted & (for_read ? CURL_POLL_IN : CURL_POLL_OUT)) != 0) {
                // A server that refuses a request early answers and hangs up: the answer must be
                // read before the next piece is written, as that fails.
                const bool may_read = (watch->wanted & CURL_POLL_IN) != 0;
                const int ready = may_read ? direction | CURL_CSELECT_IN : direction;
                act(socket, error ? CURL_CSELECT_ERR : ready);
            }
            if (is_current()) await(socket, watch);
        });
}

void Multi::set_timer(long milliseconds) {
    if (milliseconds < 0) {
        timer_.cancel();
        return;
    }
    // 0 means soon: libcurl must not be called from its own callback.
    timer_.expires_after(std::chrono::milliseconds{milliseconds});
    timer_.async_wait([this, alive = std::weak_ptr{alive_}](boost::system::error_code error) {
        if (!error && !alive.expired()) act(CURL_SOCKET_TIMEOUT, 0);
    });
}

void Multi::act(curl_socket_t socket, int ready) {
    int still_running = 0;
    check(curl_multi_socket_action(multi_, socket, ready, &still_running));
    collect_done();
}

void Multi::collect_done() {
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        // The message goes away with its handle.
        auto* const easy = message->easy_handle;
        const auto code = message->data.result;
        Transfer* transfer = nullptr;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
        forget(easy);
        transfer->done(code);
    }
}

}  // namespace prewarm::http
