/// The kind that Telegram gives a file, which need not be the one that was asked for. Pure.
///
/// Only files small enough to be looked into (`analysed_bytes`) drift; what is larger stays what
/// the method declared it to be.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/media.hpp"
#include "sandbox/telegram/api_error.hpp"
#include "sandbox/telegram/content.hpp"

namespace prewarm::sandbox {

struct Looked {
    Content content;
    std::string_view mime_type;  ///< Of the file name's extension, after Telegram's coercion.
    std::uint64_t bytes = 0;
};

/// Of a file sent with its bytes by the method of `asked`.
MediaKind kind_of_upload(MediaKind asked, const Looked& file);

/// Of one that Telegram fetched by URL: `mime_type` is then what the server said. Nothing when it
/// takes no such thing by URL.
std::optional<MediaKind> kind_of_fetched(MediaKind asked, const Looked& file);

/// What keeps bytes from being a photo.
ApiResult<void> check_photo(const Looked& file);

}  // namespace prewarm::sandbox
