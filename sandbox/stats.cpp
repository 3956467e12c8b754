#include "sandbox/stats.hpp"

namespace prewarm::sandbox {
namespace {

boost::json::object as_json(const Side& side) {
    boost::json::object requests;
    for (const auto& [method, count] : side.requests)
        requests[method] = count;
    boost::json::object answers;
    for (const auto& [status, count] : side.answers)
        answers[std::to_string(status)] = count;
    return {{"requests", std::move(requests)},
            {"answers", std::move(answers)},
            {"bytes_received", side.bytes_received},
            {"bytes_sent", side.bytes_sent},
            {"aborted_uploads", side.aborted_uploads},
            {"at_once", {{"now", side.at_once.now}, {"peak", side.at_once.peak}}}};
}

}  // namespace

boost::json::object as_json(const Stats& stats) {
    boost::json::object violations;
    for (const auto& [limit, count] : stats.violations)
        violations[limit] = count;
    return {{"r2", as_json(stats.r2)},
            {"telegram", as_json(stats.telegram)},
            {"violations", std::move(violations)}};
}

}  // namespace prewarm::sandbox
