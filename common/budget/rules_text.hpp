#pragma once

#include <string_view>

namespace prewarm::budget {

/// The content of rules.lua.
extern const std::string_view rules_text;

}  // namespace prewarm::budget
