/// Objects as files. Reads and writes block: they are short and go to the page cache, and a
/// simulator may.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/beast/core/file_posix.hpp>

namespace prewarm::sandbox {

struct ObjectInfo {
    std::uint64_t bytes = 0;
    std::string etag;  ///< Quoted: `"<MD5 in hex>"`.
    std::string content_type;
    std::vector<std::pair<std::string, std::string>> metadata;  ///< `x-amz-meta-*` headers.
    std::chrono::system_clock::time_point last_modified;
};

/// An object being read. It stays whole when the object is replaced or deleted meanwhile.
class StoredObject {
public:
    StoredObject(ObjectInfo info, boost::beast::file_posix file)
        : info_{std::move(info)}, file_{std::move(file)} {}

    const ObjectInfo& info() const { return info_; }
    /// Bytes read from `offset`; throws std::system_error if the file cannot be read.
    std::size_t read(std::uint64_t offset, std::span<char> into);

private:
    ObjectInfo info_;
    boost::beast::file_posix file_;
};

/// Throws boost::system::system_error when the disk refuses.
class ObjectShelf {
public:
    /// Makes `folder` if need be. What an earlier run left half-written in it is removed.
    explicit ObjectShelf(std::filesystem::path folder);

    /// An object being written: seen by nobody, and gone with this, until it is put on the shelf.
    class Incoming {
    public:
        explicit Incoming(std::filesystem::path path);
        ~Incoming();
        Incoming(const Incoming&) = delete;
        Incoming& operator=(const Incoming&) = delete;

        void write(std::span<const char> bytes);

    private:
        friend class ObjectShelf;
        std::filesystem::path path_;
        boost::beast::file_posix file_;
    };

    Incoming receive();
    /// Replaces what had this key, at once.
    void put(std::string_view bucket, std::string_view key, Incoming& incoming,
             const ObjectInfo& info);
    /// Nothing when there is no such object.
    std::optional<StoredObject> find(std::string_view bucket, std::string_view key) const;
    void remove(std::string_view bucket, std::string_view key);

private:
    std::filesystem::path path_of(std::string_view bucket, std::string_view key) const;

    std::filesystem::path folder_;
    std::uint64_t received_ = 0;
};

}  // namespace prewarm::sandbox
