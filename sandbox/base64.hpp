/// Base64 as file_ids have it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace prewarm::sandbox {

/// With `-` and `_`, and without padding.
std::string base64url(std::string_view bytes);
/// Nothing when `text` is not base64url of whole bytes.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace prewarm::sandbox
