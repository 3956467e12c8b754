/// Bytes in memory, as a source that remembers what was asked of it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/probe/byte_source.hpp"

namespace prewarm::probe {

class MemorySource : public ByteSource {
public:
    explicit MemorySource(std::string bytes) : bytes_{std::move(bytes)} {}

    std::uint64_t size_bytes() const override { return bytes_.size(); }
    Result<> read_at(std::uint64_t offset, std::span<std::uint8_t> into) override {
        if (offset > bytes_.size() || into.size() > bytes_.size() - offset)
            throw std::logic_error{"read behind the end"};
        reads.emplace_back(offset, into.size());
        if (reads.size() > fails_after)
            return Failure{FailureKind::unavailable, "the source has failed"};
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), into.size(),
                    into.begin());
        return {};
    }

    std::uint64_t read_bytes() const {
        std::uint64_t sum = 0;
        for (const auto& [offset, size] : reads)
            sum += size;
        return sum;
    }

    std::vector<std::pair<std::uint64_t, std::size_t>> reads;
    std::size_t fails_after = SIZE_MAX;

private:
    std::string bytes_;
};

inline std::string content_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) throw std::runtime_error{path + " cannot be read"};
    return {std::istreambuf_iterator{file}, {}};
}

}  // namespace prewarm::probe
