/// libcurl's multi interface on an Asio loop. Private to this module: others use `Client`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <curl/curl.h>

namespace prewarm::http {

namespace asio = boost::asio;

/// Runs transfers, and keeps their connections for the next ones to the same server. libcurl owns
/// the sockets: it says which to watch, and is called when one of them or its timer is due. One
/// loop's thread. Transfers must be gone before it is destroyed.
class Multi {
public:
    /// A handle's owner. `done` is called from the loop, never from within a call to this class or
    /// a callback of libcurl; the handle has been removed by then.
    class Transfer {
    public:
        virtual void done(CURLcode code) = 0;

    protected:
        ~Transfer() = default;
    };

    /// At most `kept_connections` stay open while nothing uses them.
    Multi(asio::any_io_executor executor, std::size_t kept_connections);
    ~Multi();
    Multi(const Multi&) = delete;
    Multi& operator=(const Multi&) = delete;

    void add(CURL* easy, Transfer& transfer);
    /// Breaks the transfer off, if it still runs: `done` is not called any more. Not from within a
    /// callback of libcurl.
    void remove(CURL* easy);
    /// Changes what is paused to `directions` (CURLPAUSE_*). From a posted call only: libcurl
    /// calls the transfer's callbacks from here.
    void pause(CURL* easy, int directions);

    const asio::any_io_executor& executor() const { return executor_; }
    std::size_t running() const { return running_; }
    /// Connections made so far; fewer than transfers, as they are kept.
    std::uint64_t connections_made() const { return connections_made_; }

private:
    struct Watch {
        explicit Watch(const asio::any_io_executor& executor) : descriptor{executor} {}
        asio::posix::stream_descriptor descriptor;
        int wanted = CURL_POLL_NONE;
        bool awaits_read = false;
        bool awaits_write = false;
    };

    static int on_socket(CURL* easy, curl_socket_t socket, int wanted, void* self, void* watch);
    static int on_timer(CURLM* multi, long milliseconds, void* self);

    int watch(curl_socket_t socket, int wanted);
    void await(curl_socket_t socket, const std::shared_ptr<Watch>& watch);
    void await(curl_socket_t socket, const std::shared_ptr<Watch>& watch, int direction);
    void set_timer(long milliseconds);
    void act(curl_socket_t socket, int ready);
    void collect_done();
    void forget(CURL* easy);

    asio::any_io_executor executor_;
    CURLM* multi_;
    asio::steady_timer timer_;
    std::unordered_map<curl_socket_t, std::shared_ptr<Watch>> watches_;
    std::size_t running_ = 0;
    std::uint64_t connections_made_ = 0;
    std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace prewarm::http
