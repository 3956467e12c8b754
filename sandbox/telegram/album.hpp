/// What sendMediaGroup is asked to post.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/base/media.hpp"
#include "sandbox/telegram/api_error.hpp"
#include "sandbox/telegram/form.hpp"

namespace prewarm::sandbox {

/// As if it were sent alone: `form` has its parameters, and under the kind's name its media.
struct AlbumItem {
    MediaKind kind = MediaKind::photo;
    Form form;
};

/// One to ten items: photos and videos, or only audios, or only documents. (The documentation says
/// two to ten; a single one has been accepted for years.)
ApiResult<std::vector<AlbumItem>> album_of(const Form& form);

/// The request's error for item `index`, counted from 0: floods, 401 and the server's own errors
/// come as they are.
ApiError failed_item(std::size_t index, const ApiError& error);

}  // namespace prewarm::sandbox
