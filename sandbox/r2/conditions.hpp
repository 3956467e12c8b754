/// If-Match and If-None-Match.
#pragma once

#include <optional>
#include <string_view>

#include "common/http/server.hpp"

namespace prewarm::sandbox {

/// 412 or 304 when the request is not to be done; nothing when it is. `etag` is the object's,
/// quoted; nothing when there is no object.
std::optional<unsigned> unmet_condition(const http::Request& request,
                                        std::optional<std::string_view> etag);

}  // namespace prewarm::sandbox
