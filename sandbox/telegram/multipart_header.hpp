/// What the headers around and within a multipart body say.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace prewarm::sandbox {

struct PartHeader {
    std::string name;  ///< Percent-decoded.
    /// Percent-decoded, as sent otherwise. A part is a file if and only if it has one.
    std::optional<std::string> file_name;
};

/// The boundary that a Content-Type names, 1 to 70 characters; nothing when it is none of
/// multipart/form-data.
std::optional<std::string> boundary_of(std::string_view content_type);

/// What a part's header lines (each ending in CR LF) say; nothing when it has no name.
std::optional<PartHeader> part_header_of(std::string_view lines);

/// A header's value before its first `;`, in lower case: `text/html` of `Text/HTML; charset=utf-8`.
std::string media_type_of(std::string_view content_type);

}  // namespace prewarm::sandbox
