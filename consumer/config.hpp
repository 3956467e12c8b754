/// What the service is told by its environment (contract, section 7).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/amqp/broker_url.hpp"
#include "common/base/secret.hpp"
#include "common/budget/turns.hpp"
#include "common/config/settings.hpp"
#include "common/log/log.hpp"
#include "common/redis/address.hpp"
#include "common/s3/signature.hpp"
#include "common/telegram/limits.hpp"
#include "consumer/bots.hpp"
#include "consumer/management_url.hpp"
#include "consumer/routes/planner.hpp"
#include "consumer/warm/outcome.hpp"

namespace prewarm {

struct ConsumerConfig {
    std::vector<amqp::BrokerAddress> brokers;
    std::string rabbitmq_prefix;
    std::optional<ManagementAddress> rabbitmq_management;  ///< To watch policies with.
    Secret database_url;
    std::size_t database_pool = 4;
    redis::Address redis;

    std::string r2_endpoint;
    std::string r2_bucket;
    std::vector<std::string> r2_allowed_buckets;
    s3::Credentials r2_credentials;

    UrlMode url_mode = UrlMode::off;
    std::string r2_public_base_url;  ///< With UrlMode::public_address.
    bool forwards = false;           ///< What another bot has already.

    std::string telegram_api_url;
    telegram::Server telegram_server = telegram::Server::cloud;
    budget::Limits telegram_limits;
    std::string bots_file;
    Bots bots;

    std::vector<std::string> cache_key_templates;
    bool albums = false;  ///< Small photos that wait for the same chat go together.

    std::size_t concurrency = 32;
    std::size_t max_queue = 500;
    std::chrono::milliseconds lease{60'000};
    std::chrono::milliseconds drain{30'000};
    std::chrono::milliseconds interval{2000};  ///< Of looking for parked and lost jobs.
    warm::RetryPolicy retries;

    std::string download_cache_folder;  ///< Empty: nothing is kept.
    std::uint64_t download_cache_bytes = std::uint64_t{1} << 30;
    std::chrono::milliseconds download_cache_ttl{300'000};

    std::string admin_listen;
    Secret admin_api_token;  ///< Empty: the routes under /api answer 403.

    log::Level log_level = log::Level::info;
    log::Format log_format = log::Format::json;

    /// Every variable and its effective value, secrets as `***`.
    std::vector<std::pair<std::string, std::string>> effective;

    /// Deliveries held in the process, at work or waiting.
    std::size_t prefetch() const { return std::min(2 * concurrency, max_queue); }
};

/// The bots in the file at `path`; every problem with it is in the failure's detail.
Result<Bots> load_bots(const std::string& path);

/// Throws config::ConfigError with every problem at once.
ConsumerConfig load_config(const config::Environment& environment);

}  // namespace prewarm
