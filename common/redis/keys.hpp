/// What others may find in Redis (contract, section 5).
#pragma once

#include <string>
#include <string_view>

#include "common/base/media.hpp"

namespace prewarm::redis {

/// The cached answer to a lookup.
std::string media_key(const MediaKey& media);

/// The newest version that was announced, which guards the above: older answers are not stored.
std::string version_key(const MediaKey& media);

/// Where each invalidated key is published.
inline constexpr std::string_view invalidated_channel = "prewarm:invalidated";

}  // namespace prewarm::redis
