/// libcurl's errors, in the project's words. Private to this module.
#pragma once

#include <string_view>

#include <curl/curl.h>

#include "common/base/failure.hpp"

namespace prewarm::http {

/// What a code other than CURLE_OK means. `text` is what libcurl wrote about it, empty if nothing.
Failure failure_of(CURLcode code, std::string_view text);

}  // namespace prewarm::http
