/// Where the objects are, and how a request for one is signed.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/failure.hpp"
#include "common/http/client_request.hpp"
#include "common/s3/signature.hpp"

namespace prewarm::s3 {

struct ObjectName {
    std::string bucket;
    std::string key;  ///< Any bytes but none at all; slashes and dots mean nothing.
};

/// An S3-compatible server, addressed path style. One loop's thread, as it keeps the day's key.
class Endpoint {
public:
    /// `url` is `http(s)://host[:port][/prefix]`; anything else is `misconfigured`.
    static Result<Endpoint> at(std::string_view url, Credentials credentials);

    /// Without a body, signed for now. `headers` are signed too; `payload_sha256` is the body's.
    http::ClientRequest request(http::Method method, const ObjectName& object,
                                std::vector<Header> headers, std::string payload_sha256,
                                Deadline deadline);

    /// An address of the object that lets anybody read it for `lifetime` from now.
    Secret presigned_url(const ObjectName& object, std::chrono::seconds lifetime);

private:
    Endpoint(std::string origin, std::string host, std::string prefix, Credentials credentials);

    std::string origin_;
    std::string host_;
    std::string prefix_;
    Signer signer_;
};

}  // namespace prewarm::s3
