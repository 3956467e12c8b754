/// Refusals of the Bot API.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace prewarm::sandbox {

struct ApiError {
    unsigned code = 400;
    std::string description;              ///< Complete: `Bad Request: chat_id is empty`.
    std::chrono::seconds retry_after{0};  ///< 0: not said.
    std::int64_t migrate_to_chat_id = 0;  ///< Likewise.
};

template <class T>
using ApiResult = std::expected<T, ApiError>;

inline std::unexpected<ApiError> bad_request(std::string_view what) {
    return std::unexpected{ApiError{400, "Bad Request: " + std::string{what}}};
}

}  // namespace prewarm::sandbox
