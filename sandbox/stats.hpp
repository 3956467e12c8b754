/// Figures about what was asked of the sandbox.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include <boost/json/object.hpp>

namespace prewarm::sandbox {

/// Requests at work at the same time.
struct AtOnce {
    std::uint64_t now = 0;
    std::uint64_t peak = 0;
};

/// Counts a request as long as it lives.
class AtWork {
public:
    explicit AtWork(AtOnce& at_once) : at_once_{at_once} {
        at_once_.peak = std::max(at_once_.peak, ++at_once_.now);
    }
    ~AtWork() { --at_once_.now; }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;

private:
    AtOnce& at_once_;
};

struct Side {
    std::map<std::string, std::uint64_t> requests;  ///< By method: `GET`, `sendPhoto`.
    std::map<unsigned, std::uint64_t> answers;      ///< By HTTP status.
    std::uint64_t bytes_received = 0;               ///< Of bodies.
    std::uint64_t bytes_sent = 0;                   ///< Of bodies.
    std::uint64_t aborted_uploads = 0;              ///< The client hung up before the body's end.
    AtOnce at_once;
};

struct Stats {
    Side r2;
    Side telegram;
    std::map<std::string, std::uint64_t> violations;  ///< Of Telegram's limits, by the limit.
};

boost::json::object as_json(const Stats& stats);

}  // namespace prewarm::sandbox
