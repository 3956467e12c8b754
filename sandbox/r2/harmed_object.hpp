/// Objects that do not arrive as they are, because somebody has scripted it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/http/server.hpp"
#include "sandbox/faults/fault_rule.hpp"

namespace prewarm::sandbox {

/// The same answer with what `fault` does to its body, of the object's bytes from `offset` on.
http::Response harmed(http::Response response, const Fault& fault, std::uint64_t offset);

/// The ETag of another object, in the form of this one.
std::string changed_etag(std::string_view etag);

}  // namespace prewarm::sandbox
