/// An announcement on one line, for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace prewarm::producer {

/// `2026-11-21T10:50:12Z  ready   shop  photo  9f86d08188...  file_id=...  version=1`; nothing if
/// `body` is not a message of `type`, which is one of those in announcement.hpp.
std::optional<std::string> announcement_line(std::string_view type, std::string_view body);

}  // namespace prewarm::producer
