/// What Telegram makes of a file's name, and what it concludes from it.
#pragma once

#include <string>
#include <string_view>

#include "common/base/media.hpp"

namespace prewarm::sandbox {

/// Only the piece after the last `/`, without signs of shells and paths, at most 64 characters
/// and an extension of 16; `file` when nothing is left or it is not UTF-8.
std::string cleaned_file_name(std::string_view file_name);

struct FileType {
    std::string file_name;
    std::string mime_type;  ///< Of the extension alone: a part's Content-Type is never used.
};

/// What a file of this (cleaned) name becomes when sent as `kind`: an unfit extension is appended
/// to or overruled; documents and animations are left as they are.
FileType file_type_of(std::string file_name, MediaKind kind);

}  // namespace prewarm::sandbox
