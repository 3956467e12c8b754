/// AWS Signature Version 4 for S3, pure: bytes in, text out; no I/O and no clock.
///
/// Source: "Authenticating Requests: Using Query Parameters / the Authorization Header (AWS
/// Signature Version 4)", Amazon S3 API reference. For S3 the path is encoded once and not
/// normalised: `a//b` stays as it is.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/secret.hpp"

namespace prewarm::s3 {

struct Credentials {
    std::string access_key_id;
    Secret secret_access_key;
    std::string region = "auto";
};

using Header = std::pair<std::string, std::string>;     ///< Name in lower case, value.
using Parameter = std::pair<std::string, std::string>;  ///< Name and value, neither encoded.

/// What is signed, in plain form: nothing here is percent-encoded yet.
struct PlainRequest {
    std::string method;
    std::string path;  ///< `/bucket/key`.
    std::vector<Parameter> query;
    std::vector<Header> headers;  ///< `host` among them; all of these are signed.
    /// 64 hex digits of the body's SHA-256, or `UNSIGNED-PAYLOAD`.
    std::string payload_sha256;
};

inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

/// SHA-256 of nothing, in hex: the payload of GET and HEAD.
inline constexpr std::string_view empty_payload =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Percent-encodes every byte but A-Z a-z 0-9 - . _ ~ (and, if `keep_slash`, `/`).
std::string uri_encode(std::string_view text, bool keep_slash);

/// The key that signs a day's requests, made of the secret by four HMACs.
std::string signing_key(std::string_view secret, std::string_view date, std::string_view region,
                        std::string_view service);

std::string canonical_request(const PlainRequest& request);
/// `scope` is `<date>/<region>/s3/aws4_request`.
std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                           std::string_view canonical);
/// HMAC-SHA256 of `text` with `key`, in hex: the signature.
std::string sign(std::string_view key, std::string_view text);

/// Signs requests for one set of credentials. The signing key is made once per day, region and
/// service and kept. One loop's thread.
class Signer {
public:
    explicit Signer(Credentials credentials);

    /// The headers to add to `request` so that it is signed at `now`: `x-amz-date`,
    /// `x-amz-content-sha256` and `authorization`.
    std::vector<Header> sign_headers(PlainRequest request,
                                     std::chrono::system_clock::time_point now);

    /// The encoded path and query of a URL that is valid for `lifetime` (1 s to 7 days) from `now`.
    std::string presign(PlainRequest request, std::chrono::seconds lifetime,
                        std::chrono::system_clock::time_point now);

private:
    const std::string& key_of(std::string_view date);

    Credentials credentials_;
    std::string key_date_;
    std::string key_;
};

}  // namespace prewarm::s3
