/// What the service is told by its environment (contract, section 7).
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "common/base/secret.hpp"
#include "common/config/settings.hpp"
#include "common/log/log.hpp"
#include "common/s3/signature.hpp"
#include "common/telegram/limits.hpp"
#include "consumer/bots.hpp"

namespace prewarm {

struct ConsumerConfig {
    Secret rabbitmq_url;
    std::string rabbitmq_prefix;
    Secret database_url;
    std::size_t database_pool = 4;
    Secret redis_url;

    std::string r2_endpoint;
    std::string r2_bucket;
    std::vector<std::string> r2_allowed_buckets;
    s3::Credentials r2_credentials;

    std::string telegram_api_url;
    telegram::Server telegram_server = telegram::Server::cloud;
    Bots bots;

    std::vector<std::string> cache_key_templates;

    std::size_t concurrency = 32;
    std::size_t max_queue = 500;
    std::chrono::milliseconds lease{60'000};
    std::chrono::milliseconds drain{30'000};

    std::string admin_listen;
    Secret admin_api_token;  ///< Empty: the routes under /api answer 403.

    log::Level log_level = log::Level::info;
    log::Format log_format = log::Format::json;

    /// Every variable and its effective value, secrets as `***`.
    std::vector<std::pair<std::string, std::string>> effective;

    /// Deliveries held in the process, at work or waiting.
    std::size_t prefetch() const { return std::min(2 * concurrency, max_queue); }
};

/// Throws config::ConfigError with every problem at once.
ConsumerConfig load_config(const config::Environment& environment);

}  // namespace prewarm
