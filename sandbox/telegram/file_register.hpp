/// The files Telegram holds, and the names by which bots know them.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/media.hpp"
#include "common/base/secret.hpp"

namespace prewarm::sandbox {

/// A file as Telegram stored it. Its bytes are not kept.
struct StoredFile {
    MediaKind kind = MediaKind::document;
    std::uint64_t bytes = 0;
    Sha256 sha256{};
    std::string file_name{};
    std::string mime_type{};
    std::uint32_t width = 0;   ///< Pixels; a video note's length.
    std::uint32_t height = 0;  ///< Pixels.
    std::uint32_t duration_seconds = 0;
    std::string title{};
    std::string performer{};
    std::uint64_t thumbnail_bytes = 0;  ///< 0: it has none.
    std::uint64_t converted_bytes = 0;  ///< Of the MP4 that Telegram makes of a GIF; 0: as sent.
};

/// What of a file an id names. A photo's smaller sizes resend the photo, a thumbnail resends
/// nothing.
enum class FilePart : std::uint8_t { whole, thumbnail, size_90, size_320, size_800 };

struct FileNames {
    std::string file_id;         ///< For one bot.
    std::string file_unique_id;  ///< The same for all bots.
};

enum class BadFileId : std::uint8_t {
    unreadable,  ///< Not a file_id at all.
    unknown,     ///< Another bot's, another server's, or older than what is kept.
    thumbnail,   ///< It names a thumbnail, which cannot be sent.
};

/// Remembers the newest `capacity` files. A file's number is its order of upload.
class FileRegister {
public:
    /// File ids are made with `seed`: another one knows none of them.
    FileRegister(Secret seed, std::size_t capacity);

    std::uint64_t add(StoredFile file);
    const StoredFile* file(std::uint64_t number) const;  ///< Null when no longer kept.

    FileNames names(std::uint64_t number, FilePart part, std::int64_t bot_id) const;

    struct Found {
        std::uint64_t number = 0;
        FilePart part = FilePart::whole;
    };
    /// What `bot_id` may do with this file_id.
    std::expected<Found, BadFileId> find(std::string_view file_id, std::int64_t bot_id) const;

private:
    std::string file_id(const StoredFile& file, Found found, std::int64_t bot_id) const;

    Secret seed_;
    std::size_t capacity_;
    std::uint64_t first_ = 1;  ///< Number of the oldest file kept.
    std::deque<StoredFile> files_;
};

}  // namespace prewarm::sandbox
