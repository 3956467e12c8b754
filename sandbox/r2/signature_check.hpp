/// Whether a request to R2 is signed by whom it says it is. Pure: no I/O and no clock.
#pragma once

#include <chrono>
#include <string>

#include "common/http/server.hpp"
#include "common/s3/signature.hpp"
#include "sandbox/r2/s3_error.hpp"

namespace prewarm::sandbox {

/// How far a client's clock may be off.
inline constexpr std::chrono::minutes clock_tolerance{15};

/// Verifies the Authorization header or the presigned query. Its value is what the body's SHA-256
/// has to be: 64 hex digits, or `UNSIGNED-PAYLOAD`.
S3Result<std::string> check_signature(const http::Request& request,
                                      const s3::Credentials& credentials,
                                      std::chrono::system_clock::time_point now);

}  // namespace prewarm::sandbox
