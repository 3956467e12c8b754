/// The cache's files. Every call blocks: they are for the threads of disk_threads.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/failure.hpp"
#include "common/base/media.hpp"
#include "common/s3/digest.hpp"

namespace prewarm::downloads {

class Descriptor {
public:
    explicit Descriptor(int number) : number_{number} {}
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor(Descriptor&& other) noexcept : number_{other.number_} { other.number_ = -1; }
    Descriptor& operator=(Descriptor&&) = delete;

    int number() const { return number_; }
    bool is_open() const { return number_ >= 0; }

private:
    int number_;
};

/// A file that was there before the folder was opened.
struct Leftover {
    Sha256 sha256;
    std::uint64_t bytes = 0;
    std::chrono::nanoseconds unused_for{};
};

class Part;
class Copy;

/// A folder of this process alone: a lock on it tells others so. Objects are files named by their
/// SHA-256 in hex, and `<sha256>.<number>.part` until they are whole. Nothing else in it is
/// touched.
class Folder : public std::enable_shared_from_this<Folder> {
public:
    /// Makes it, for this user alone, if it is not there.
    static Result<std::shared_ptr<Folder>> open(const std::string& path);

    /// What a former process left; the one used longest ago first. Parts it removes.
    Result<std::vector<Leftover>> take_stock();

    Result<std::shared_ptr<Part>> begin(const Sha256& sha256);
    /// `not_found` also when it cannot be opened, or has not as many bytes: it is not what was
    /// kept.
    Result<std::shared_ptr<Copy>> open_copy(const Sha256& sha256, std::uint64_t bytes);
    void remove(const Sha256& sha256);

private:
    friend class Part;
    Folder(std::string path, Descriptor descriptor)
        : path_{std::move(path)}, descriptor_{std::move(descriptor)} {}
    std::optional<Leftover> leftover_called(const char* name);
    Failure failure(std::string_view what) const;

    std::string path_;
    Descriptor descriptor_;
    std::uint64_t parts_ = 0;
};

/// A file that is being written. Removes what was not kept.
class Part {
public:
    Part(std::shared_ptr<Folder> folder, Descriptor descriptor, Sha256 sha256, std::string name);
    ~Part();
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

    Result<> write(std::span<const char> bytes);
    Result<> keep();  ///< Under its own name from now on.
    void drop();      ///< Even if it was kept.

private:
    std::shared_ptr<Folder> folder_;
    Descriptor descriptor_;
    Sha256 sha256_;
    std::string name_;
    bool is_kept_ = false;
};

/// A kept file that is being read, once, from its beginning.
class Copy {
public:
    Copy(Descriptor descriptor, Sha256 sha256, std::uint64_t bytes)
        : descriptor_{std::move(descriptor)}, sha256_{sha256}, left_{bytes} {}

    /// At most so many bytes, and no fewer before the end. The last are given only if the digest of
    /// all is right: `mismatch` otherwise, and `unavailable` where the disk fails.
    Result<std::string> next(std::size_t most);

private:
    Descriptor descriptor_;
    Sha256 sha256_;
    std::uint64_t left_;
    s3::Digest digest_;
};

}  // namespace prewarm::downloads
