/// R2 as the service meets it: S3's object requests, path style.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/http/server.hpp"
#include "common/s3/signature.hpp"
#include "sandbox/faults/fault_matcher.hpp"
#include "sandbox/r2/object_shelf.hpp"
#include "sandbox/r2/s3_error.hpp"
#include "sandbox/stats.hpp"

namespace prewarm::sandbox {

struct R2Options {
    s3::Credentials credentials;
    std::vector<std::string> buckets;
    std::filesystem::path folder;
    std::chrono::milliseconds latency{0};  ///< Before each answer.
};

class R2Api {
public:
    /// Throws boost::system::system_error when the folder cannot be used. The references outlive
    /// this.
    R2Api(R2Options options, Stats& stats, FaultMatcher& faults);

    asio::awaitable<http::Response> answer(http::Request& request);

private:
    struct ObjectName {
        std::string bucket;
        std::string key;
    };

    std::optional<Fault> fault_of(const http::Request& request);
    asio::awaitable<S3Result<http::Response>> dispatch(http::Request& request, const Fault* fault);
    S3Result<ObjectName> name_of(const http::Request& request) const;
    asio::awaitable<S3Result<http::Response>> put(http::Request& request, ObjectName name,
                                                  std::string payload_sha256);
    S3Result<http::Response> get(const http::Request& request, const ObjectName& name,
                                 const Fault* fault);

    R2Options options_;
    ObjectShelf shelf_;
    Stats& stats_;
    FaultMatcher& faults_;
};

}  // namespace prewarm::sandbox
