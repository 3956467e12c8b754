#pragma once

#include <string>
#include <string_view>

namespace prewarm {

/// With padding, in one line.
std::string base64(std::string_view bytes);

}  // namespace prewarm
