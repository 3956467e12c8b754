/// Text from outside, made fit for logs, headers and events.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace prewarm {

/// Printable ASCII as it is, every other byte as `\xNN`; cut after `max_bytes` of `text`. What it
/// gives is one line, valid UTF-8 and free of control characters.
std::string printable(std::string_view text, std::size_t max_bytes = 1000);

/// The length of the UTF-8 character that `text` starts with; 0 if it starts with none.
std::size_t utf8_character(std::string_view text);

}  // namespace prewarm
