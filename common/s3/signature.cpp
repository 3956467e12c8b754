#include "common/s3/signature.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/base/media.hpp"

namespace prewarm::s3 {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

/// Raw bytes.
std::string hmac(std::string_view key, std::string_view text) {
    std::string digest(32, '\0');
    unsigned int size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()), &size);
    return digest;
}

/// Sorted by encoded name, then by encoded value.
std::string canonical_query(const std::vector<Parameter>& query) {
    std::vector<Parameter> encoded;
    encoded.reserve(query.size());
    for (const auto& [name, value] : query)
        encoded.emplace_back(uri_encode(name, false), uri_encode(value, false));
    std::ranges::sort(encoded);
    std::string text;
    for (const auto& [name, value] : encoded) {
        if (!text.empty()) text += '&';
        text += name;
        text += '=';
        text += value;
    }
    return text;
}

/// Without space at either end, and runs of spaces as one.
std::string trimmed(std::string_view value) {
    std::string text;
    for (const char c : value) {
        const bool space = c == ' ' || c == '\t';
        if (space && (text.empty() || text.back() == ' ')) continue;
        text += space ? ' ' : c;
    }
    if (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

/// By name, the values of one name joined in the order they were given.
std::map<std::string_view, std::string> canonical_headers(const PlainRequest& request) {
    std::map<std::string_view, std::string> headers;
    for (const auto& [name, value] : request.headers) {
        const auto [header, is_new] = headers.try_emplace(name);
        if (!is_new) header->second += ',';
        header->second += trimmed(value);
    }
    return headers;
}

}  // namespace

std::string uri_encode(std::string_view text, bool keep_slash) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size() + text.size() / 4);
    for (const char c : text) {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~' ||
                           (keep_slash && c == '/');
        if (plain) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += digits[byte >> 4U];
        encoded += digits[byte & 15U];
    }
    return encoded;
}

std::string target_of(const PlainRequest& request) {
    auto target = uri_encode(request.path, true);
    if (!request.query.empty()) target += '?' + canonical_query(request.query);
    return target;
}

std::string amz_date(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%Y%m%dT%H%M%SZ}",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string signed_headers(const PlainRequest& request) {
    std::string names;
    for (const auto& [name, value] : canonical_headers(request)) {
        if (!names.empty()) names += ';';
        names += name;
    }
    return names;
}

std::string canonical_request(const PlainRequest& request) {
    std::string headers;
    for (const auto& [name, value] : canonical_headers(request))
        headers += fmt::format("{}:{}\n", name, value);
    return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, uri_encode(request.path, true),
                       canonical_query(request.query), headers, signed_headers(request),
                       request.payload_sha256);
}

std::string scope_of(std::string_view date, std::string_view region) {
    return fmt::format("{}/{}/s3/aws4_request", date, region);
}

std::string string_to_sign(std::string_view amz_date, std::string_view scope,
                           std::string_view canonical) {
    return fmt::format("{}\n{}\n{}\n{}", algorithm, amz_date, scope, sha256_of(canonical).hex());
}

std::string signing_key(std::string_view secret, std::string_view date, std::string_view region,
                        std::string_view service) {
    const auto of_date = hmac(fmt::format("AWS4{}", secret), date);
    const auto of_region = hmac(of_date, region);
    const auto of_service = hmac(of_region, service);
    return hmac(of_service, "aws4_request");
}

std::string sign(std::string_view key, std::string_view text) {
    const auto digest = sha256_from_bytes(hmac(key, text));
    return digest->hex();
}

Signer::Signer(Credentials credentials) : credentials_{std::move(credentials)} {}

std::vector<Header> Signer::sign_headers(PlainRequest request,
                                         std::chrono::system_clock::time_point now) {
    const auto time = amz_date(now);
    const auto date = std::string_view{time}.substr(0, 8);
    const auto scope = scope_of(date, credentials_.region);
    std::vector<Header> added{{"x-amz-date", time},
                              {"x-amz-content-sha256", request.payload_sha256}};
    std::ranges::copy(added, std::back_inserter(request.headers));

    const auto signature =
        sign(key_of(date), string_to_sign(time, scope, canonical_request(request)));
    added.emplace_back(
        "authorization",
        fmt::format("{} Credential={}/{},SignedHeaders={},Signature={}", algorithm,
                    credentials_.access_key_id, scope, signed_headers(request), signature));
    return added;
}

std::string Signer::presign(PlainRequest request, std::chrono::seconds lifetime,
                            std::chrono::system_clock::time_point now) {
    const auto time = amz_date(now);
    const auto date = std::string_view{time}.substr(0, 8);
    const auto scope = scope_of(date, credentials_.region);
    request.payload_sha256 = unsigned_payload;
    request.query.emplace_back("X-Amz-Algorithm", algorithm);
    request.query.emplace_back("X-Amz-Credential", credentials_.access_key_id + '/' + scope);
    request.query.emplace_back("X-Amz-Date", time);
    request.query.emplace_back("X-Amz-Expires", std::to_string(lifetime.count()));
    request.query.emplace_back("X-Amz-SignedHeaders", signed_headers(request));

    const auto signature =
        sign(key_of(date), string_to_sign(time, scope, canonical_request(request)));
    return target_of(request) + "&X-Amz-Signature=" + signature;
}

const std::string& Signer::key_of(std::string_view date) {
    if (date != key_date_) {
        key_ =
            signing_key(credentials_.secret_access_key.reveal(), date, credentials_.region, "s3");
        key_date_ = date;
    }
    return key_;
}

}  // namespace prewarm::s3
