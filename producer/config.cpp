#include "producer/config.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/base/text.hpp"
#include "common/s3/endpoint.hpp"

namespace prewarm::producer {

amqp::ConnectionOptions BrokerConfig::connection(std::string_view command) const {
    amqp::ConnectionOptions options;
    options.brokers = brokers;
    options.name = fmt::format("prewarmctl {}", command);
    return options;
}

BrokerConfig broker_config(config::Settings& settings) {
    BrokerConfig config;
    auto brokers = amqp::parse_broker_urls(
        settings.secret("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/"));
    if (brokers) {
        config.brokers = std::move(*brokers);
    } else {
        settings.require(false, fmt::format("RABBITMQ_URL: {}", brokers.error().detail));
    }
    config.names = topology::Names{settings.text("RABBITMQ_PREFIX", "")};
    return config;
}

postgres::PoolOptions database_config(config::Settings& settings) {
    postgres::PoolOptions options;
    options.url =
        settings.required_secret("DATABASE_URL", "postgresql://prewarm:***@127.0.0.1:5432/prewarm");
    options.connections = static_cast<std::size_t>(settings.number("DATABASE_POOL", 4, 1, 100));
    options.application_name = "prewarmctl";
    return options;
}

StorageConfig storage_config(config::Settings& settings) {
    StorageConfig config;
    config.endpoint =
        settings.required_text("R2_ENDPOINT", "https://account.r2.cloudflarestorage.com");
    config.bucket = settings.required_text("R2_BUCKET", "media-production");
    config.credentials.access_key_id =
        settings.required_text("R2_ACCESS_KEY_ID", "the access key of an R2 API token");
    config.credentials.secret_access_key =
        settings.required_secret("R2_SECRET_ACCESS_KEY", "the secret of that R2 API token");
    config.credentials.region = settings.text("R2_REGION", "auto");
    if (!config.endpoint.empty()) {
        const auto endpoint = s3::Endpoint::at(config.endpoint, config.credentials);
        settings.require(endpoint.has_value(),
                         fmt::format("R2_ENDPOINT: {}, for example "
                                     "https://account.r2.cloudflarestorage.com",
                                     endpoint ? "" : endpoint.error().detail));
    }
    return config;
}

std::string bucket_in_event(config::Settings& settings, const std::string& bucket) {
    const auto usual = settings.text("R2_BUCKET", "");
    if (bucket.empty() || bucket == usual) return {};
    const auto allowed = settings.list("R2_ALLOWED_BUCKETS");
    const bool unknown = usual.empty() && allowed.empty();
    settings.require(unknown || std::ranges::find(allowed, bucket) != allowed.end(),
                     fmt::format("bucket `{}` is neither R2_BUCKET nor in R2_ALLOWED_BUCKETS: the "
                                 "service would refuse its events; add it there, for the service "
                                 "and here",
                                 printable(bucket, 80)));
    return bucket;
}

}  // namespace prewarm::producer
