/// What an S3 server's error means.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/base/failure.hpp"
#include "common/http/client_request.hpp"

namespace prewarm::s3 {

/// More of an error's body is not read.
inline constexpr std::size_t most_error_bytes = 64 * 1024;

/// For an answer other than success. `body` is its XML, or whatever came instead: it is not
/// trusted. `what` names the request.
Failure failure_of(const http::ResponseHead& head, std::string_view body, std::string_view what);

}  // namespace prewarm::s3
