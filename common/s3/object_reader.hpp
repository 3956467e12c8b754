/// Reads objects, and lets nobody take one for complete that is not what was announced.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/base/media.hpp"
#include "common/http/client.hpp"
#include "common/runtime/byte_pipe.hpp"
#include "common/runtime/task.hpp"
#include "common/s3/endpoint.hpp"
#include "common/s3/resume.hpp"

namespace prewarm::s3 {

/// What is known of an object before it is read.
struct Announced {
    std::uint64_t bytes = 0;  ///< 0: unknown.
    std::optional<Sha256> sha256{};
};

/// An object whose headers are here and agree with what was announced. Its body is waiting:
/// one of the two reads takes it, once. Destroying it breaks the download off.
///
/// A download that is cut short, stalls while its bytes are wanted, or meets a server that is busy
/// or away, is gone on with where it broke, within the same read: the rest of the same version is
/// asked for, as long as ResumeLimits allow. What the last try failed with is returned then.
/// Without a strong ETag and without an announced digest there is no telling the versions apart,
/// and the first break is the end.
class OpenObject {
public:
    ~OpenObject();
    OpenObject(OpenObject&&) noexcept;
    OpenObject& operator=(OpenObject&&) noexcept;

    std::uint64_t size_bytes() const;
    std::uint64_t taken_bytes() const;  ///< So far.
    /// Names this version of the object, as If-Match wants it.
    const std::string& etag() const;
    /// From the first request to its answer's headers.
    std::chrono::microseconds first_byte() const;
    /// How often the rest was asked for, so far.
    std::uint64_t resumes() const;

    /// Writes the object into `pipe` as there is room, and closes it. The last bytes are written
    /// only when length and digest have turned out right: whoever got them all got the right ones.
    /// Otherwise, and when cancelled, the pipe is broken off. `mismatch` when the object is
    /// another, or was changed meanwhile; the caller keeps the pipe alive.
    Task<> read_into(BytePipe& pipe);

    /// The object as a whole, verified likewise: for small ones.
    Task<std::string> read_all();

private:
    friend class ObjectReader;
    class Body;
    explicit OpenObject(std::unique_ptr<Body> body);

    std::unique_ptr<Body> body_;
};

/// For the client of a reader. A silent server is noticed sooner than by the usual ones, since the
/// download can be gone on with.
http::ClientOptions reader_client_options();

/// One loop's thread. The client and the endpoint must outlive it and what it opened.
class ObjectReader {
public:
    ObjectReader(http::Client& client, Endpoint& endpoint, ResumeLimits limits = {});

    /// Asks for the object and waits for its headers. `not_found`; `mismatch` when its size is
    /// not the announced one; and as error_body.hpp says. `deadline` is for reading it, too.
    Task<OpenObject> open(ObjectName object, Announced announced, Deadline deadline);

    /// `size` bytes of this version from `first` on, which it has; asked for once. `mismatch` when
    /// there is another version by now, `transient` when other bytes came than were asked for.
    Task<std::string> read_range(ObjectName object, Version version, std::uint64_t first,
                                 std::size_t size, Deadline deadline);

private:
    http::Client& client_;
    Endpoint& endpoint_;
    ResumeLimits limits_;
};

}  // namespace prewarm::s3
