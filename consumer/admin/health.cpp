#include <chrono>

#include <boost/json.hpp>

#include "consumer/admin/routes.hpp"

namespace prewarm::admin {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

// A broker that restarts is away for some seconds; being killed for that would help nobody.
constexpr auto reconnect_grace = 60s;

bool registered(const amqp::LinkStatus& link) {
    return link.state == amqp::LinkState::ready || link.state == amqp::LinkState::paused;
}

json::object shown(const amqp::LinkStatus& link) {
    return {{"state", amqp::name_of(link.state)},
            {"blocked", link.blocked},
            {"failure", registered(link) ? "" : link.last_failure}};
}

}  // namespace

// That this answers at all shows that the loop is alive.
http::Response healthz(const Parts& parts) {
    const auto link = parts.consumer_link();
    const bool healthy =
        !parts.intake.stuck() &&
        (registered(link) || std::chrono::steady_clock::now() - link.since < reconnect_grace);
    return http::respond(healthy ? 200 : 503, "application/json",
                         json::serialize(json::object{{"status", healthy ? "ok" : "stuck"},
                                                      {"consumer", shown(link)}}));
}

http::Response readyz(const Parts& parts) {
    bool ready = !parts.intake.stopped();
    json::object answers;
    for (const auto dependency : all_dependencies) {
        const auto state = parts.dependencies.state_of(dependency);
        ready = ready && state.up;
        answers[name_of(dependency)] = state.up ? "up" : state.failure;
    }
    const auto consumer = parts.consumer_link();
    const auto publisher = parts.publisher_link();
    ready = ready && registered(consumer) && registered(publisher) && !publisher.blocked;
    return http::respond(ready ? 200 : 503, "application/json",
                         json::serialize(json::object{{"status", ready ? "ready" : "not ready"},
                                                      {"paused", parts.intake.stopped()},
                                                      {"dependencies", answers},
                                                      {"consumer", shown(consumer)},
                                                      {"publisher", shown(publisher)}}));
}

}  // namespace prewarm::admin
