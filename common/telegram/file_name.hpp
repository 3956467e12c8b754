/// The name a file is sent under. Telegram goes by its extension and by nothing else.
#pragma once

#include <string>
#include <string_view>

#include "common/base/media.hpp"

namespace prewarm::telegram {

/// The last piece of `wished` (a file name, or an R2 key), with an extension that lets `kind` come
/// back as that kind: one that does not fit is followed by one that does, taken from `mime_type` if
/// that fits. Valid UTF-8 without control characters, short enough not to be cut.
std::string file_name_for(MediaKind kind, std::string_view wished, std::string_view mime_type);

}  // namespace prewarm::telegram
