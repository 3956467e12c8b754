#include "sandbox/sandbox.hpp"

#include <algorithm>

#include <boost/json.hpp>

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;
using http::Request;
using http::Response;

constexpr std::size_t postings_kept = 100'000;

}  // namespace

Sandbox::Sandbox(R2Options r2, BotApiOptions telegram)
    : audit_{postings_kept},
      buckets_{r2.buckets},
      r2_{std::move(r2), stats_},
      telegram_{std::move(telegram), stats_, audit_} {}

asio::awaitable<Response> Sandbox::answer(Request& request) {
    if (!is_for_bucket(request.path)) {
        if (request.path.starts_with("/bot")) co_return co_await telegram_.answer(request);
        if (request.path.starts_with("/sandbox/")) co_return answer_about_itself(request);
    }
    co_return co_await r2_.answer(request);
}

/// A bucket's name may begin with "bot".
bool Sandbox::is_for_bucket(std::string_view path) const {
    const auto bucket = path.substr(1, path.find('/', 1) - 1);
    return std::ranges::find(buckets_, bucket) != buckets_.end();
}

Response Sandbox::answer_about_itself(const Request& request) {
    const auto is = [&](std::string_view method, std::string_view path) {
        return request.method == method && request.path == path;
    };
    if (is("GET", "/sandbox/received"))
        return http::respond(200, "application/x-ndjson", audit_.json_lines());
    if (is("DELETE", "/sandbox/received")) {
        audit_.clear();
        return {.status = 204};
    }
    if (is("GET", "/sandbox/stats"))
        return http::respond(200, "application/json", json::serialize(as_json(stats_)) + '\n');
    return http::respond(
        404, "application/json",
        json::serialize(json::object{
            {"error",
             {{"code", "NOT_FOUND"},
              {"message",
               "there are GET and DELETE /sandbox/received, and GET /sandbox/stats"}}}}) +
            '\n');
}

}  // namespace prewarm::sandbox
