/// Reads objects, and lets nobody take one for complete that is not what was announced.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/media.hpp"
#include "common/http/client.hpp"
#include "common/runtime/byte_pipe.hpp"
#include "common/runtime/task.hpp"
#include "common/s3/endpoint.hpp"

namespace prewarm::s3 {

/// What is known of an object before it is read.
struct Announced {
    std::uint64_t bytes = 0;  ///< 0: unknown.
    std::optional<Sha256> sha256{};
};

/// An object whose headers are here and agree with what was announced. Its body is waiting:
/// one of the two reads takes it, once. Destroying it breaks the download off.
class OpenObject {
public:
    ~OpenObject();
    OpenObject(OpenObject&&) noexcept;
    OpenObject& operator=(OpenObject&&) noexcept;

    std::uint64_t size_bytes() const;
    std::uint64_t taken_bytes() const;  ///< So far.
    /// Names this version of the object, as If-Match wants it.
    const std::string& etag() const;
    /// From the request to its answer's headers.
    std::chrono::microseconds first_byte() const;

    /// Writes the object into `pipe` as there is room, and closes it. The last bytes are written
    /// only when length and digest have turned out right: whoever got them all got the right ones.
    /// Otherwise, and when cancelled, the pipe is broken off. `mismatch` when the object is
    /// another; the caller keeps the pipe alive.
    Task<> read_into(BytePipe& pipe);

    /// The object as a whole, verified likewise: for small ones.
    Task<std::string> read_all();

private:
    friend class ObjectReader;
    class Body;
    explicit OpenObject(std::unique_ptr<Body> body);

    std::unique_ptr<Body> body_;
};

/// One loop's thread. The client and the endpoint must outlive it and what it opened.
class ObjectReader {
public:
    ObjectReader(http::Client& client, Endpoint& endpoint);

    /// Asks for the object and waits for its headers. `not_found`; `mismatch` when its size is
    /// not the announced one; and as error_body.hpp says. `deadline` is for reading it, too.
    Task<OpenObject> open(ObjectName object, Announced announced, Deadline deadline);

private:
    http::Client& client_;
    Endpoint& endpoint_;
};

}  // namespace prewarm::s3
