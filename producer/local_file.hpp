/// Files to upload: which there are, and what is in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/failure.hpp"
#include "common/base/media.hpp"

namespace prewarm::producer {

struct FoundFile {
    std::filesystem::path path;
    std::uint64_t bytes = 0;
};

struct FoundFiles {
    std::vector<FoundFile> files;  ///< Sorted by path within each argument; each file once.
    std::vector<std::string> problems;
};

/// The files among `paths` and all in the directories among them, recursively. In directories,
/// names that start with a dot are passed over; links to directories are not followed. Blocks.
FoundFiles find_files(const std::vector<std::string>& paths);

struct ExaminedFile {
    std::uint64_t bytes = 0;
    Sha256 sha256;
    std::string mime_type;  ///< By libmagic: from the content, whatever the name says.
    MediaKind kind = MediaKind::document;
};

/// Reads the file once, in pieces. `not_found` when it cannot be opened, `refused` when it is empty
/// or cannot be read. Blocks; may be called from any thread.
Result<ExaminedFile> examine(const std::filesystem::path& path);

/// The file's name as an event may hold it: UTF-8 without control characters.
std::string event_file_name(const std::filesystem::path& path);

/// `<prefix><sha256><extension>`: equal files share an object, and Telegram learns the type from
/// the extension, which is that of the name or, if it has none, the usual one of the type.
std::string object_key(std::string_view prefix, const std::filesystem::path& path,
                       const ExaminedFile& file);

}  // namespace prewarm::producer
