#include "sandbox/sandbox.hpp"

#include <algorithm>

#include <boost/json.hpp>

#include "sandbox/faults/read_faults.hpp"

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;
using http::Request;
using http::Response;

constexpr std::size_t postings_kept = 100'000;
constexpr std::size_t longest_script = 1024UL * 1024;

Response as_response(unsigned status, const json::value& value) {
    return http::respond(status, "application/json", json::serialize(value) + '\n');
}

Response refusal(unsigned status, std::string_view code, std::string_view message) {
    return as_response(status, json::object{{"error", {{"code", code}, {"message", message}}}});
}

}  // namespace

Sandbox::Sandbox(R2Options r2, BotApiOptions telegram, FaultScript faults)
    : audit_{postings_kept},
      faults_{std::move(faults)},
      buckets_{r2.buckets},
      r2_{std::move(r2), stats_, faults_},
      telegram_{std::move(telegram), stats_, audit_, faults_} {}

asio::awaitable<Response> Sandbox::answer(Request& request) {
    if (!is_for_bucket(request.path)) {
        if (request.path.starts_with("/bot")) co_return co_await telegram_.answer(request);
        if (request.path.starts_with("/sandbox/")) co_return co_await answer_about_itself(request);
    }
    co_return co_await r2_.answer(request);
}

/// A bucket's name may begin with "bot".
bool Sandbox::is_for_bucket(std::string_view path) const {
    const auto bucket = path.substr(1, path.find('/', 1) - 1);
    return std::ranges::find(buckets_, bucket) != buckets_.end();
}

asio::awaitable<Response> Sandbox::answer_about_itself(Request& request) {
    const auto is = [&](std::string_view method, std::string_view path) {
        return request.method == method && request.path == path;
    };
    if (is("GET", "/sandbox/received"))
        co_return http::respond(200, "application/x-ndjson", audit_.json_lines());
    if (is("DELETE", "/sandbox/received")) {
        audit_.clear();
        co_return Response{.status = 204};
    }
    if (is("GET", "/sandbox/stats")) {
        auto stats = as_json(stats_);
        stats["faults"] = faults_.counts();
        co_return as_response(200, stats);
    }
    if (request.path == "/sandbox/faults") co_return co_await answer_about_faults(request);
    co_return refusal(404, "NOT_FOUND",
                      "there are GET and DELETE /sandbox/received, GET /sandbox/stats, and GET, "
                      "PUT and DELETE /sandbox/faults");
}

asio::awaitable<Response> Sandbox::answer_about_faults(Request& request) {
    if (request.method == "GET") co_return as_response(200, faults_.source());
    if (request.method == "DELETE") {
        faults_.use({});
        co_return Response{.status = 204};
    }
    if (request.method != "PUT")
        co_return refusal(405, "METHOD_NOT_ALLOWED", "faults are got, put and deleted");
    const auto body = co_await request.body->read_all(longest_script);
    if (!body) co_return refusal(400, "INVALID_FAULTS", body.error().detail);
    auto script = read_faults(*body);
    if (!script) co_return refusal(400, "INVALID_FAULTS", script.error().detail);
    faults_.use(std::move(*script));
    co_return Response{.status = 204};
}

}  // namespace prewarm::sandbox
