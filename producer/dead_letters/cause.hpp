/// What dead letters have in common.
#pragma once

#include <string>
#include <string_view>

namespace prewarm::producer {

/// `detail` without what differs from letter to letter of one cause: quoted text becomes `<text>`,
/// an object's key `<key>`, a digest, UUID or other id `<id>`, a time `<time>`, a number `<n>`.
/// What an HTTP server or Telegram answered stays: 403 is not 404.
std::string cause_of(std::string_view detail);

}  // namespace prewarm::producer
