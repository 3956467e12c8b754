/// A Bot API request's parameters and files, however they were sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/media.hpp"
#include "common/http/server.hpp"
#include "sandbox/telegram/content.hpp"

namespace prewarm::sandbox {

/// A file that was sent: what is kept of it.
struct SentFile {
    std::string field;
    std::string file_name;  ///< As sent.
    std::uint64_t bytes = 0;
    Sha256 sha256;
    Content content{};
};

struct Form {
    std::vector<std::pair<std::string, std::string>> parameters;
    std::vector<SentFile> files;
    std::uint64_t body_bytes = 0;

    /// The first parameter of this name; empty without.
    std::string_view text(std::string_view name) const;
    /// The parameter as a whole number; nothing when there is none or it is something else.
    std::optional<std::int64_t> number(std::string_view name) const;
    /// As Telegram reads it: `true`, `yes` or `1`, in any case.
    bool flag(std::string_view name) const;
    const SentFile* file(std::string_view field) const;
};

inline constexpr std::uint64_t most_body_bytes = 50ULL * 1024 * 1024;
inline constexpr std::uint64_t most_local_body_bytes = 2001ULL * 1024 * 1024;  ///< With --local.

struct FormLimits {
    std::uint64_t body_bytes = most_body_bytes;
    std::uint64_t bytes_per_second = 0;  ///< How fast a body is taken; 0: as it comes.
};

/// Why there is no form: the HTTP status to answer with, or the client went away.
struct NoForm {
    unsigned status = 400;
    bool aborted = false;
};

/// Reads the whole request. A file's bytes are hashed, counted and looked
/// at, not kept.
asio::awaitable<std::expected<Form, NoForm>> read_form(http::Request& request, FormLimits limits);

}  // namespace prewarm::sandbox
