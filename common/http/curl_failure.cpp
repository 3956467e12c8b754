#include "common/http/curl_failure.hpp"

#include <string>

namespace prewarm::http {
namespace {

FailureKind kind_of(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT:  // Only connecting is timed by libcurl.
        case CURLE_SSL_CONNECT_ERROR:
            return FailureKind::unavailable;
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
            return FailureKind::misconfigured;
        default:
            // A connection that was up: reset, cut short, or not speaking HTTP.
            return FailureKind::transient;
    }
}

}  // namespace

Failure failure_of(CURLcode code, std::string_view text) {
    // With its number, since libcurl's texts change from release to release.
    return {kind_of(code), std::string{text.empty() ? curl_easy_strerror(code) : text} + " (curl " +
                               std::to_string(code) + ")"};
}

}  // namespace prewarm::http
