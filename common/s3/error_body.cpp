#include "common/s3/error_body.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "common/base/text.hpp"
#include "common/http/client.hpp"

namespace prewarm::s3 {
namespace {

constexpr std::size_t most_detail_bytes = 300;

struct Meaning {
    std::string_view code;
    FailureKind kind;
};

// The codes of the S3 API's and R2's error lists whose status alone says too little or something
// else; the others mean what their status means.
constexpr std::array meanings{
    Meaning{"NoSuchKey", FailureKind::not_found},
    // One of ours has the bucket's name or the secret wrong: no object is to blame.
    Meaning{"NoSuchBucket", FailureKind::misconfigured},
    Meaning{"InvalidBucketName", FailureKind::misconfigured},
    Meaning{"AccessDenied", FailureKind::misconfigured},
    Meaning{"InvalidAccessKeyId", FailureKind::misconfigured},
    Meaning{"SignatureDoesNotMatch", FailureKind::misconfigured},
    Meaning{"RequestTimeTooSkewed", FailureKind::misconfigured},
    Meaning{"AuthorizationHeaderMalformed", FailureKind::misconfigured},
    Meaning{"Unauthorized", FailureKind::misconfigured},
    Meaning{"ExpiredToken", FailureKind::misconfigured},
    Meaning{"InvalidToken", FailureKind::misconfigured},
    Meaning{"SlowDown", FailureKind::throttled},
    Meaning{"TooManyRequests", FailureKind::throttled},
    Meaning{"RequestTimeout", FailureKind::transient},
    Meaning{"IncompleteBody", FailureKind::transient},
    Meaning{"OperationAborted", FailureKind::transient},
    // The object changed while it was read, or the file while it was sent.
    Meaning{"PreconditionFailed", FailureKind::mismatch},
    Meaning{"InvalidRange", FailureKind::mismatch},
    Meaning{"BadDigest", FailureKind::mismatch},
    Meaning{"XAmzContentSHA256Mismatch", FailureKind::mismatch},
    Meaning{"EntityTooLarge", FailureKind::too_large},
};

FailureKind kind_of(const http::ResponseHead& head, bool has_body, std::string_view code) {
    const auto known = std::ranges::find(meanings, code, &Meaning::code);
    if (known != meanings.end()) return known->kind;
    if (head.status == 412 || head.status == 416) return FailureKind::mismatch;
    // S3 says in words what it lacks. (It cannot in the answer to a HEAD.)
    if (head.status == 404 && has_body && code.empty()) return FailureKind::misconfigured;
    // A server in trouble is in trouble with every object.
    return http::failure_of(head, {}).kind;
}

}  // namespace

Failure failure_of(const http::ResponseHead& head, std::string_view body, std::string_view what) {
    std::string code;
    std::string message;
    // pugixml neither fetches nor expands what a document type declares, and does not recurse.
    pugi::xml_document document;
    body = body.substr(0, most_error_bytes);
    if (document.load_buffer(body.data(), body.size())) {
        const auto error = document.child("Error");
        code = error.child_value("Code");
        message = error.child_value("Message");
    }
    auto detail = fmt::format("{}: HTTP {}", what, head.status);
    if (!code.empty()) detail += ' ' + printable(code, most_detail_bytes);
    if (!message.empty()) detail += ": " + printable(message, most_detail_bytes);

    const auto kind = kind_of(head, !body.empty(), code);
    Failure failure{kind, std::move(detail)};
    if (kind == FailureKind::throttled) failure.retry_after = head.retry_after();
    return failure;
}

}  // namespace prewarm::s3
