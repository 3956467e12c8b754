/// An HTTP client on the loop: HTTP/1.1 over kept connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "common/http/client_request.hpp"
#include "common/http/exchange.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::http {

struct ClientOptions {
    std::chrono::milliseconds connect{std::chrono::seconds{10}};
    /// For a body that has stopped moving though neither end of ours holds it back.
    std::chrono::milliseconds stall{std::chrono::seconds{20}};
    /// For the first byte of the answer, once the request is out.
    std::chrono::milliseconds answer{std::chrono::seconds{60}};
    /// An older idle connection is not used again: the server has likely forgotten it.
    std::chrono::seconds idle{30};
    std::size_t kept_connections = 64;
    std::string ca_file;  ///< Whom to trust; empty: those whom the system trusts.
};

/// Each has connections of its own, so that one server's do not displace another's. One loop's
/// thread; its exchanges must be gone before it is destroyed.
///
/// Redirects are answers like any other. Proxies are not taken from the environment, so that what
/// the configuration says is all there is. A connection that turns out to be dead when it is used
/// again is replaced, if the request's body can be given again.
///
/// A failed connection is `unavailable`, a certificate that is not trusted `misconfigured`, and
/// whatever happens to a connection later `transient`.
class Client {
public:
    Client(asio::any_io_executor executor, ClientOptions options);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    Exchange start(ClientRequest request, Sink sink);

    /// The whole answer, whatever its status; `transient` if its body is larger than `most_bytes`.
    Task<ClientResponse> send(ClientRequest request, std::size_t most_bytes);

    std::size_t running() const;
    /// Connections made so far: fewer than requests, as they are kept.
    std::uint64_t connections_made() const;

private:
    ClientOptions options_;
    std::unique_ptr<Multi> multi_;
};

/// Puts the answer's body into `text`, which the caller keeps alive, up to `most_bytes`.
Sink sink_into(std::string& text, std::size_t most_bytes);

/// What a status of 400 and above means where the server said no more about it. `what` names the
/// request.
Failure failure_of(const ResponseHead& head, std::string_view what);

}  // namespace prewarm::http
