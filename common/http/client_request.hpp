/// What is asked of an HTTP server, and what it answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/failure.hpp"
#include "common/base/secret.hpp"
#include "common/runtime/byte_pipe.hpp"
#include "common/runtime/deadline.hpp"

namespace prewarm::http {

enum class Method : std::uint8_t { get, head, put, post, del };

/// As on the wire: `DELETE`.
std::string_view name_of(Method method);

using Header = std::pair<std::string, std::string>;

/// Bytes that come while they are sent: exactly `size_bytes` of them, or the request is broken
/// off, so that the server never takes a part for the whole. The caller keeps the pipe alive until
/// the exchange is gone; its `on_data` is the exchange's.
struct PipedBytes {
    BytePipe* pipe = nullptr;
    std::uint64_t size_bytes = 0;
};

/// Bytes read as they are needed, on the loop: a local file's, which does not keep it waiting.
struct FileBytes {
    std::shared_ptr<std::istream> file;
    std::uint64_t size_bytes = 0;
};

using Content = std::variant<std::string, PipedBytes, FileBytes>;

/// One part of a `multipart/form-data` body.
struct Part {
    std::string name;
    Content content;
    std::optional<std::string> file_name{};  ///< What makes it a file, rather than a field.
};
using Multipart = std::vector<Part>;

struct ClientRequest {
    Method method = Method::get;
    Secret url;        ///< A Telegram URL holds the token.
    std::string what;  ///< Names the request in failures, where the URL must not be: `sendPhoto`.
    std::vector<Header> headers;
    std::variant<std::monostate, Content, Multipart> body;
    Deadline deadline;  ///< For the whole of it.
};

/// The first line and the headers of an answer.
struct ResponseHead {
    int status = 0;
    std::vector<Header> headers;              ///< Names in lower case.
    std::chrono::microseconds first_byte{0};  ///< From the request's start to here.

    std::optional<std::string_view> header(std::string_view lower_case_name) const;
    /// What `Content-Length` says; nothing when it is missing.
    std::optional<std::uint64_t> content_length() const;
    /// `Retry-After` in seconds; its form as a date is not used by those we talk to.
    std::optional<std::chrono::seconds> retry_after() const;
};

/// Takes an answer's body piece by piece: true when it took the piece, false to be given it again
/// after `Exchange::resume()`, or why nothing more is wanted. Called only once the head is
/// complete, from within libcurl: it must not end the exchange.
using Sink = std::function<Result<bool>(const ResponseHead& head, std::span<const char> piece)>;

struct ClientResponse {
    ResponseHead head;
    std::string body;
};

}  // namespace prewarm::http
