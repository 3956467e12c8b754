#include "sandbox/telegram/api_answer.hpp"

#include <boost/json.hpp>

namespace prewarm::sandbox {

namespace json = boost::json;

http::Response answer_of(const ApiResult<json::value>& result) {
    if (!result) return answer_of(result.error());
    return http::respond(200, "application/json",
                         json::serialize(json::object{{"ok", true}, {"result", *result}}));
}

http::Response answer_of(const ApiError& error) {
    json::object body{
        {"ok", false}, {"error_code", error.code}, {"description", error.description}};
    json::object parameters;
    if (error.retry_after.count() > 0) parameters["retry_after"] = error.retry_after.count();
    if (error.migrate_to_chat_id != 0) parameters["migrate_to_chat_id"] = error.migrate_to_chat_id;
    if (!parameters.empty()) body["parameters"] = std::move(parameters);
    auto response = http::respond(error.code, "application/json", json::serialize(body));
    if (error.code == 429 && error.retry_after.count() > 0)
        response.headers.emplace_back("Retry-After", std::to_string(error.retry_after.count()));
    return response;
}

}  // namespace prewarm::sandbox
