#include "sandbox/r2/signature_check.hpp"

#include <algorithm>
#include <ctime>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "sandbox/number.hpp"

namespace prewarm::sandbox {
namespace {

using http::Request;
using std::chrono::system_clock;

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";
constexpr std::chrono::seconds longest_lifetime = std::chrono::days{7};

/// What a signature says about itself, from the header or from the query.
struct Claim {
    std::string access_key_id;
    std::string date;  ///< Of the scope: `20130524`.
    std::string region;
    std::string service;
    std::vector<std::string> signed_headers;
    std::string signature;
    std::string amz_date;
    std::optional<std::chrono::seconds> lifetime;  ///< Of a presigned URL.
};

std::unexpected<S3Error> refuse(unsigned status, std::string_view code, std::string message) {
    return std::unexpected{S3Error{status, code, std::move(message)}};
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// `<key id>/<date>/<region>/<service>/aws4_request`; false when it is not that.
bool read_credential(std::string_view credential, Claim& claim) {
    auto parts = split(credential, '/');
    if (parts.size() != 5 || parts[4] != "aws4_request") return false;
    claim.access_key_id = parts[0];
    claim.date = parts[1];
    claim.region = parts[2];
    claim.service = parts[3];
    return true;
}

S3Result<Claim> claim_of_header(const Request& request, std::string_view authorization) {
    const auto malformed = [](std::string message) {
        return refuse(400, "AuthorizationHeaderMalformed", std::move(message));
    };
    if (!authorization.starts_with(algorithm))
        return refuse(400, "InvalidArgument", "Unsupported Authorization Type");
    Claim claim;
    bool credential_is_good = false;
    for (const auto& part : split(authorization.substr(algorithm.size()), ',')) {
        const auto text = trimmed(part);
        const auto equals = std::min(text.find('='), text.size() - 1);
        const auto name = text.substr(0, equals);
        const auto value = text.empty() ? text : text.substr(equals + 1);
        if (name == "Credential") credential_is_good = read_credential(value, claim);
        if (name == "SignedHeaders") claim.signed_headers = split(value, ';');
        if (name == "Signature") claim.signature = value;
    }
    if (!credential_is_good)
        return malformed("The authorization header is malformed; the Credential is mal-formed.");
    if (claim.signed_headers.empty() || claim.signature.empty())
        return malformed("The authorization header is malformed; a part is missing.");
    const auto date = request.header("x-amz-date");
    if (!date)
        return refuse(403, "AccessDenied", "AWS authentication requires a valid x-amz-date header");
    claim.amz_date = *date;
    return claim;
}

S3Result<Claim> claim_of_query(const Request& request) {
    const auto malformed = [](std::string message) {
        return refuse(400, "AuthorizationQueryParametersError", std::move(message));
    };
    const auto text = [&](std::string_view name) {
        return request.parameter(name).value_or(std::string_view{});
    };
    if (text("X-Amz-Algorithm") != algorithm)
        return malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
    Claim claim;
    if (!read_credential(text("X-Amz-Credential"), claim))
        return malformed("Error parsing the X-Amz-Credential parameter.");
    claim.amz_date = text("X-Amz-Date");
    claim.signature = text("X-Amz-Signature");
    claim.signed_headers = split(text("X-Amz-SignedHeaders"), ';');

    const auto expires = number_in<std::int64_t>(text("X-Amz-Expires"));
    if (!expires) return malformed("X-Amz-Expires should be a number");
    claim.lifetime = std::chrono::seconds{*expires};
    if (*claim.lifetime < std::chrono::seconds{1} || *claim.lifetime > longest_lifetime)
        return malformed("X-Amz-Expires must be between 1 and 604800 seconds");
    return claim;
}

std::optional<system_clock::time_point> time_of(const std::string& amz_date) {
    std::tm fields{};
    const char* const end = strptime(amz_date.c_str(), "%Y%m%dT%H%M%SZ", &fields);
    if (amz_date.size() != 16 || end != amz_date.c_str() + amz_date.size()) return std::nullopt;
    return system_clock::from_time_t(timegm(&fields));
}

std::optional<S3Error> wrong_time(const Claim& claim, system_clock::time_point now) {
    const auto signed_at = time_of(claim.amz_date);
    if (!signed_at || claim.amz_date.substr(0, 8) != claim.date)
        return S3Error{403, "AccessDenied", "The date of the signature is missing or malformed."};
    if (!claim.lifetime) {
        if (now - *signed_at <= clock_tolerance && *signed_at - now <= clock_tolerance) return {};
        return S3Error{
            403, "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large."};
    }
    if (*signed_at - now > clock_tolerance)
        return S3Error{403, "AccessDenied", "Request is not yet valid"};
    if (now > *signed_at + *claim.lifetime)
        return S3Error{403, "AccessDenied", "Request has expired"};
    return {};
}

std::optional<S3Error> wrong_scope(const Claim& claim, const s3::Credentials& credentials) {
    if (claim.access_key_id != credentials.access_key_id)
        return S3Error{403, "InvalidAccessKeyId",
                       "The AWS Access Key Id you provided does not exist in our records."};
    const auto* const malformed =
        claim.lifetime ? "AuthorizationQueryParametersError" : "AuthorizationHeaderMalformed";
    if (claim.region != credentials.region)
        return S3Error{400, malformed,
                       fmt::format("the region '{}' is wrong; expecting '{}'", claim.region,
                                   credentials.region)};
    if (claim.service != "s3")
        return S3Error{400, malformed, "incorrect service; this endpoint belongs to \"s3\"."};
    return {};
}

/// The signed headers with their values; an error when one that must be signed is not.
S3Result<std::vector<s3::Header>> signed_headers(const Request& request, const Claim& claim) {
    const auto is_signed = [&](const std::string& name) {
        return std::ranges::find(claim.signed_headers, name) != claim.signed_headers.end();
    };
    if (!is_signed("host")) return refuse(403, "AccessDenied", "The host header must be signed.");
    std::vector<s3::Header> headers;
    for (const auto& [name, value] : request.headers) {
        std::string lower{name};
        std::ranges::transform(lower, lower.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (is_signed(lower)) {
            headers.emplace_back(lower, value);
        } else if (lower.starts_with("x-amz-")) {
            return refuse(
                403, "AccessDenied",
                "There were headers present in the request which were not signed: " + lower);
        }
    }
    return headers;
}

std::vector<s3::Parameter> signed_query(const Request& request, const Claim& claim) {
    auto query = request.query;
    if (claim.lifetime)
        std::erase_if(query, [](const auto& one) { return one.first == "X-Amz-Signature"; });
    return query;
}

}  // namespace

S3Result<std::string> check_signature(const Request& request, const s3::Credentials& credentials,
                                      system_clock::time_point now) {
    const auto authorization = request.header("authorization");
    if (!authorization && !request.parameter("X-Amz-Signature"))
        return refuse(403, "AccessDenied", "Access Denied");
    const auto claim =
        authorization ? claim_of_header(request, *authorization) : claim_of_query(request);
    if (!claim) return std::unexpected{claim.error()};
    if (auto error = wrong_scope(*claim, credentials)) return std::unexpected{std::move(*error)};
    if (auto error = wrong_time(*claim, now)) return std::unexpected{std::move(*error)};
    const auto headers = signed_headers(request, *claim);
    if (!headers) return std::unexpected{headers.error()};

    const auto payload = request.header("x-amz-content-sha256");
    if (!payload && !claim->lifetime)
        return refuse(400, "InvalidRequest",
                      "Missing required header for this request: x-amz-content-sha256");
    std::string payload_sha256{payload.value_or(s3::unsigned_payload)};
    const auto canonical = s3::canonical_request({.method = std::string{request.method},
                                                  .path = request.path,
                                                  .query = signed_query(request, *claim),
                                                  .headers = *headers,
                                                  .payload_sha256 = payload_sha256});
    const auto key = s3::signing_key(credentials.secret_access_key.reveal(), claim->date,
                                     credentials.region, "s3");
    const auto expected =
        s3::sign(key, s3::string_to_sign(claim->amz_date,
                                         s3::scope_of(claim->date, credentials.region), canonical));
    if (claim->signature.size() != expected.size() ||
        CRYPTO_memcmp(claim->signature.data(), expected.data(), expected.size()) != 0)
        return refuse(403, "SignatureDoesNotMatch",
                      "The request signature we calculated does not match the signature you "
                      "provided. Check your key and signing method.");
    return payload_sha256;
}

}  // namespace prewarm::sandbox
