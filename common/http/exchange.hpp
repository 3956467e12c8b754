/// A request on its way, and its answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/http/client_request.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::http {

class Multi;
struct ClientOptions;

/// What `Client::start` began. Destroying it breaks the request off: an incomplete one closes its
/// connection. One coroutine at a time waits for it; cancelling that one leaves the exchange as it
/// is. One loop's thread; not from within a sink.
class Exchange {
public:
    ~Exchange();
    Exchange(Exchange&&) noexcept;
    Exchange& operator=(Exchange&&) noexcept;

    /// Until the answer's head is complete, whatever its status.
    Task<ResponseHead> head();
    /// Until the sink has taken the whole answer; a failure of the sink is returned as it is.
    Task<> finish();

    /// The sink can take more. May be called from anywhere.
    void resume();

    /// When all of the request had been given to the connection, if it has: a server that does not
    /// answer may have acted on it all the same.
    std::optional<Deadline> request_sent_at() const;
    /// Whether all of it had been given to a kept connection before, which then ended without an
    /// answer: the server may have acted on it twice.
    bool was_repeated() const;

private:
    friend class Client;
    class Transfer;
    Exchange(Multi& multi, const ClientOptions& options, ClientRequest request, Sink sink);

    std::shared_ptr<Transfer> transfer_;
};

}  // namespace prewarm::http
