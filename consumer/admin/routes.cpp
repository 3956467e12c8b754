#include "consumer/admin/routes.hpp"

#include <memory>
#include <utility>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/json.hpp>
#include <openssl/crypto.h>

namespace prewarm::admin {
namespace {

constexpr std::string_view worker_path = "/api/admin/media/prewarm/worker/";
constexpr std::string_view media_path = "/api/media/";

bool is_token(std::string_view authorization, const Secret& token) {
    constexpr std::string_view scheme = "bearer ";
    if (!boost::algorithm::istarts_with(authorization, scheme)) return false;
    const auto given = authorization.substr(scheme.size());
    const auto& expected = token.reveal();
    // In constant time, so that an answer's delay tells nothing about the token.
    return given.size() == expected.size() &&
           CRYPTO_memcmp(given.data(), expected.data(), expected.size()) == 0;
}

std::optional<http::Response> refuse(const http::Request& request, const Parts& parts) {
    if (parts.api_token.empty()) {
        return error(403, "NO_TOKEN_CONFIGURED",
                     "set ADMIN_API_TOKEN for the service to use the routes under /api");
    }
    if (!is_token(request.header("Authorization").value_or(""), parts.api_token)) {
        auto response =
            error(401, "UNAUTHORIZED", "send the header `Authorization: Bearer <ADMIN_API_TOKEN>`");
        response.headers.emplace_back("WWW-Authenticate", "Bearer");
        return response;
    }
    return std::nullopt;
}

http::Response only(std::string_view method) {
    auto response = error(405, "METHOD_NOT_ALLOWED", "use " + std::string{method});
    response.headers.emplace_back("Allow", method);
    return response;
}

asio::awaitable<http::Response> answer(const Parts& parts, http::Request& request) {
    const auto& path = request.path;
    const bool is_get = request.method == "GET" || request.method == "HEAD";
    if (path == "/healthz") co_return is_get ? healthz(parts) : only("GET");
    if (path == "/readyz") co_return is_get ? readyz(parts) : only("GET");
    if (path == "/metrics") {
        if (!is_get) co_return only("GET");
        co_return http::respond(200, "text/plain; version=0.0.4; charset=utf-8",
                                parts.metrics.text());
    }
    if (path.starts_with("/api/")) {
        if (auto refused = refuse(request, parts)) co_return std::move(*refused);
        if (path == "/api/admin/media/prewarm/metrics") {
            co_return is_get ? worker_metrics(parts) : only("GET");
        }
        if (path == std::string{worker_path} + "stop") {
            if (request.method != "POST") co_return only("POST");
            co_return co_await stop_worker(parts);
        }
        if (path == std::string{worker_path} + "start") {
            if (request.method != "POST") co_return only("POST");
            co_return co_await start_worker(parts);
        }
        if (path.starts_with(media_path)) {
            if (!is_get) co_return only("GET");
            co_return co_await look_up(parts, path.substr(media_path.size()));
        }
    }
    co_return error(404, "NO_SUCH_ROUTE", "there is nothing here; the README lists the routes");
}

}  // namespace

http::Response error(unsigned status, std::string_view code, std::string_view message) {
    return http::respond(status, "application/json",
                         boost::json::serialize(boost::json::object{
                             {"error", {{"code", code}, {"message", message}}}}));
}

http::Handler routes(Parts parts) {
    return [shared = std::make_shared<Parts>(std::move(parts))](http::Request& request) {
        return answer(*shared, request);
    };
}

}  // namespace prewarm::admin
