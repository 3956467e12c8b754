/// The service's HTTP routes (contract, section 8).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "common/amqp/link.hpp"
#include "common/base/secret.hpp"
#include "common/http/server.hpp"
#include "common/media_store/media_store.hpp"
#include "common/metrics/registry.hpp"
#include "consumer/dependencies.hpp"
#include "consumer/intake/intake.hpp"

namespace prewarm::admin {

/// What the routes show and steer; all of it outlives the server. One loop's thread.
struct Parts {
    metrics::Registry& metrics;
    MediaStore& store;
    Intake& intake;
    const Dependencies& dependencies;
    std::function<amqp::LinkStatus()> consumer_link;
    std::function<amqp::LinkStatus()> publisher_link;
    std::function<std::uint64_t()> queue_size;  ///< Messages ready in the upload queue.
    std::size_t max_queue = 0;
    Secret api_token;  ///< Empty: everything under /api answers 403.
};

/// The handler of the admin server. `parts` is copied.
http::Handler routes(Parts parts);

/// `{"error": {"code": ..., "message": ...}}`
http::Response error(unsigned status, std::string_view code, std::string_view message);

http::Response healthz(const Parts& parts);
http::Response readyz(const Parts& parts);
http::Response worker_metrics(const Parts& parts);
asio::awaitable<http::Response> stop_worker(const Parts& parts);
asio::awaitable<http::Response> start_worker(const Parts& parts);
/// `rest` is what follows `/api/media/`: `{bot_slug}/{sha256}/{kind}`.
asio::awaitable<http::Response> look_up(const Parts& parts, std::string rest);

}  // namespace prewarm::admin
