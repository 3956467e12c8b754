/// Refusals of the Bot API.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace prewarm::sandbox {

struct ApiError {
    unsigned code = 400;
    std::string description;  ///< Complete: `Bad Request: chat_id is empty`.
};

template <class T>
using ApiResult = std::expected<T, ApiError>;

inline std::unexpected<ApiError> bad_request(std::string_view what) {
    return std::unexpected{ApiError{400, "Bad Request: " + std::string{what}}};
}

}  // namespace prewarm::sandbox
