/// The service: makes the parts, starts and drains them. The one place that knows them all.
#pragma once

#include <memory>
#include <stdexcept>

#include "consumer/config.hpp"

namespace prewarm {

/// What is there contradicts us (another queue of the same name, an old schema, a port in use),
/// and trying again cannot help. Programs exit with 2.
class StartupError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Runs until SIGTERM or SIGINT: the first drains (takes no more, lets jobs at work finish within
/// MEDIA_PREWARM_DRAIN_MS, gives back the rest), a second one stops at once. Throws StartupError.
void run_service(ConsumerConfig config);

}  // namespace prewarm
