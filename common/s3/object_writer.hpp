/// Stores objects, and asks what is stored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "common/base/media.hpp"
#include "common/http/client.hpp"
#include "common/runtime/task.hpp"
#include "common/s3/endpoint.hpp"

namespace prewarm::s3 {

struct StoredObject {
    std::uint64_t size_bytes = 0;
    std::string etag;
    std::string content_type;
};

/// A file as it is to be stored; its digest is signed, so the server refuses anything else.
struct LocalFile {
    std::filesystem::path path;
    std::uint64_t size_bytes = 0;
    Sha256 sha256;
    /// Told on the loop how much of it was taken so far: less again when it has to be sent again.
    std::function<void(std::uint64_t bytes)> on_sent{};
};

/// One loop's thread. The client and the endpoint must outlive it.
class ObjectWriter {
public:
    ObjectWriter(http::Client& client, Endpoint& endpoint);

    /// Replaces what has this name. An object appears whole or not at all.
    Task<> put(ObjectName object, std::string bytes, std::string content_type, Deadline deadline);

    /// Likewise; the file is read in pieces as they are sent. `not_found` when it cannot be opened,
    /// and `mismatch` when it changed since its digest was taken.
    Task<> put_file(ObjectName object, LocalFile file, std::string content_type, Deadline deadline);

    /// `not_found` when there is none.
    Task<StoredObject> look_up(ObjectName object, Deadline deadline);

private:
    Task<> put_content(ObjectName object, http::Content content, std::string sha256,
                       std::string content_type, Deadline deadline);

    http::Client& client_;
    Endpoint& endpoint_;
};

}  // namespace prewarm::s3
