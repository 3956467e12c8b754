#include "common/s3/endpoint.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

namespace prewarm::s3 {

Result<Endpoint> Endpoint::at(std::string_view url, Credentials credentials) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed || (parsed->scheme() != "http" && parsed->scheme() != "https") ||
        parsed->encoded_host().empty() || parsed->has_userinfo() || parsed->has_query() ||
        parsed->has_fragment()) {
        return Failure{FailureKind::misconfigured,
                       "the S3 endpoint must be like https://host or http://host:port"};
    }
    // As libcurl writes the Host header, which is signed.
    std::string host{parsed->encoded_host()};
    const std::string_view usual_port = parsed->scheme() == "https" ? "443" : "80";
    if (parsed->has_port() && !parsed->port().empty() && parsed->port() != usual_port)
        host += ':' + std::string{parsed->port()};
    std::string prefix = parsed->path();
    while (prefix.ends_with('/'))
        prefix.pop_back();
    return Endpoint{fmt::format("{}://{}", std::string_view{parsed->scheme()}, host), host,
                    std::move(prefix), std::move(credentials)};
}

Endpoint::Endpoint(std::string origin, std::string host, std::string prefix,
                   Credentials credentials)
    : origin_{std::move(origin)},
      host_{std::move(host)},
      prefix_{std::move(prefix)},
      signer_{std::move(credentials)} {}

http::ClientRequest Endpoint::request(http::Method method, const ObjectName& object,
                                      std::vector<Header> headers, std::string payload_sha256,
                                      Deadline deadline) {
    PlainRequest plain{.method = std::string{http::name_of(method)},
                       .path = fmt::format("{}/{}/{}", prefix_, object.bucket, object.key),
                       .query = {},
                       .headers = std::move(headers),
                       .payload_sha256 = std::move(payload_sha256)};
    http::ClientRequest request{
        .method = method,
        .url = Secret{origin_ + target_of(plain)},
        .what = fmt::format("{} {}/{}", plain.method, object.bucket, object.key),
        .headers = plain.headers,
        .body = {},
        .deadline = deadline};
    plain.headers.emplace_back("host", host_);
    for (auto& header : signer_.sign_headers(std::move(plain), std::chrono::system_clock::now()))
        request.headers.push_back(std::move(header));
    return request;
}

Secret Endpoint::presigned_url(const ObjectName& object, std::chrono::seconds lifetime) {
    PlainRequest plain{.method = "GET",
                       .path = fmt::format("{}/{}/{}", prefix_, object.bucket, object.key),
                       .query = {},
                       .headers = {{"host", host_}},
                       .payload_sha256 = {}};
    return Secret{origin_ +
                  signer_.presign(std::move(plain), lifetime, std::chrono::system_clock::now())};
}

}  // namespace prewarm::s3
