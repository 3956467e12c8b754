/// A local file's bytes.
#pragma once

#include <filesystem>
#include <fstream>

#include "common/probe/byte_source.hpp"

namespace prewarm::probe {

class FileSource : public ByteSource {
public:
    /// A file that cannot be opened has no bytes.
    explicit FileSource(const std::filesystem::path& path)
        : file_{path, std::ios::binary | std::ios::ate} {
        if (file_) size_bytes_ = static_cast<std::uint64_t>(file_.tellg());
    }

    std::uint64_t size_bytes() const override { return size_bytes_; }
    Result<> read_at(std::uint64_t offset, std::span<std::uint8_t> into) override {
        file_.seekg(static_cast<std::streamoff>(offset));
        file_.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
        if (!file_) return Failure{FailureKind::refused, "the file cannot be read"};
        return {};
    }

private:
    std::ifstream file_;
    std::uint64_t size_bytes_ = 0;
};

}  // namespace prewarm::probe
