/// Where a container's bytes come from.
#pragma once

#include <cstdint>
#include <span>

#include "common/base/failure.hpp"

namespace prewarm::probe {

/// Bytes at any place: a file's, or an object's. Used by one thread at a time, which a read may
/// block.
class ByteSource {
public:
    virtual ~ByteSource() = default;
    virtual std::uint64_t size_bytes() const = 0;
    /// Fills `into`, which lies within the size. After a failure nothing more is asked for.
    virtual Result<> read_at(std::uint64_t offset, std::span<std::uint8_t> into) = 0;
};

}  // namespace prewarm::probe
