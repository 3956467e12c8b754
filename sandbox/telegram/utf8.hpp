/// Text as Telegram demands it.
#pragma once

#include <cstddef>
#include <string_view>

#include <boost/locale/utf.hpp>

namespace prewarm::sandbox {

inline bool is_utf8(std::string_view text) {
    for (const auto* at = text.begin(); at != text.end();) {
        if (!boost::locale::utf::is_valid_codepoint(
                boost::locale::utf::utf_traits<char>::decode(at, text.end())))
            return false;
    }
    return true;
}

/// Of valid UTF-8.
inline std::size_t characters_in(std::string_view text) {
    std::size_t characters = 0;
    for (const char c : text) {
        if (boost::locale::utf::utf_traits<char>::is_lead(c)) ++characters;
    }
    return characters;
}

}  // namespace prewarm::sandbox
