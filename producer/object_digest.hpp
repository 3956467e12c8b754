/// What an object in R2 is, found out by reading it.
#pragma once

#include <cstdint>

#include "common/base/media.hpp"
#include "common/runtime/task.hpp"
#include "common/s3/object_reader.hpp"

namespace prewarm::producer {

struct ObjectDigest {
    Sha256 sha256;
    std::uint64_t bytes = 0;
};

/// Reads the whole object and keeps nothing of it; as ObjectReader says if it is not the announced
/// one. `reader` must outlive it.
Task<ObjectDigest> digest_of(s3::ObjectReader& reader, s3::ObjectName object,
                             s3::Announced announced);

}  // namespace prewarm::producer
