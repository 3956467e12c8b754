/// Errors as S3 spells them.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "common/http/server.hpp"

namespace prewarm::sandbox {

struct S3Error {
    unsigned status = 500;
    std::string_view code;  ///< A literal: `NoSuchKey`.
    std::string message;
};

template <class T>
using S3Result = std::expected<T, S3Error>;

/// The XML document; `resource` is the path asked for.
http::Response answer_of(const S3Error& error, std::string_view resource);

}  // namespace prewarm::sandbox
