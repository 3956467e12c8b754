/// AWS Signature Version 4 for S3, pure: bytes in, text out; no I/O and no clock.
///
/// Source: "Authenticating Requests: Using the Authorization Header" and "... Using Query
/// Parameters (AWS Signature Version 4)", Amazon S3 API reference. For S3 the path is encoded once
/// and not normalised: `a//b` stays as it is.
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

/// The path and query as they are signed, which is how they must be written on the wire too:
/// encoded, and the query sorted.
std::string target_of(const PlainRequest& request);

/// `20130524T000000Z`: the time of a signature; its first eight characters are the scope's date.
std::string amz_date(std::chrono::system_clock::time_point time);

/// The names of the signed headers, sorted and joined by `;`.
std::string signed_headers(const PlainRequest& request);
std::string canonical_request(const PlainRequest& request);

/// `<date>/<region>/s3/aws4_request`, where `date` is `20130524`.
std::string scope_of(std::string_view date, std::string_view region);
std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                           std::string_view canonical);

/// The key that signs a day's requests, made of the secret by four HMACs. Raw bytes.
std::string signing_key(std::string_view secret, std::string_view date, std::string_view region,
                        std::string_view service);
/// HMAC-SHA256 of `text` with `key`, in hex: the signature.
std::string sign(std::string_view key, std::string_view text);

/// Signs requests for one set of credentials. The signing key is made once per day and kept; region
/// and service do not change. One loop's thread.
class Signer {
public:
    explicit Signer(Credentials credentials);

    /// The headers to add to `request` so that it is signed at `now`: `x-amz-date`,
    /// `x-amz-content-sha256` and `authorization`.
    std::vector<Header> sign_headers(PlainRequest request,
                                     std::chrono::system_clock::time_point now);

    /// The encoded path and query of a URL that is valid for `lifetime` (1 s to 7 days) from `now`.
    /// Its payload is not signed, whatever `request` says.
    std::string presign(PlainRequest request, std::chrono::seconds lifetime,
                        std::chrono::system_clock::time_point now);

private:
    const std::string& key_of(std::string_view date);

    Credentials credentials_;
    std::string key_date_;
    std::string key_;
};

}  // namespace prewarm::s3
