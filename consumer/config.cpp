#include "consumer/config.hpp"

#include <fstream>
#include <iterator>

#include <boost/url/parse.hpp>
#include <fmt/format.h>

namespace prewarm {
namespace {

using namespace std::chrono_literals;

// RabbitMQ takes a delivery back after its consumer_timeout, 30 minutes unless told otherwise.
constexpr std::chrono::milliseconds broker_ack_timeout = 30min;

bool is_http_url(const std::string& text) {
    const auto url = boost::urls::parse_uri(text);
    return url && (url->scheme() == "https" || url->scheme() == "http") && !url->host().empty() &&
           !url->has_userinfo() && !url->has_query() && !url->has_fragment();
}

std::string http_url(config::Settings& settings, const std::string& name, std::string text) {
    settings.require(text.empty() || is_http_url(text),
                     fmt::format("{} must be an http:// or https:// address, for example "
                                 "https://account.r2.cloudflarestorage.com",
                                 name));
    while (text.ends_with('/'))
        text.pop_back();
    return text;
}

Bots bots_from(config::Settings& settings) {
    const auto path = settings.required_text("PREWARM_BOTS_FILE", "/etc/prewarm/bots.json");
    if (path.empty()) return {};
    std::ifstream in{path, std::ios::binary};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    if (!in) {
        settings.require(false, fmt::format("PREWARM_BOTS_FILE: cannot read `{}`", path));
        return {};
    }
    auto bots = read_bots(text);
    if (!bots) {
        settings.require(false,
                         fmt::format("PREWARM_BOTS_FILE `{}`: {}", path, bots.error().detail));
        return {};
    }
    return std::move(*bots);
}

}  // namespace

ConsumerConfig load_config(const config::Environment& environment) {
    config::Settings settings{environment};
    ConsumerConfig config;
    config.rabbitmq_url = settings.secret("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/");
    config.rabbitmq_prefix = settings.text("RABBITMQ_PREFIX", "");
    config.database_url =
        settings.required_secret("DATABASE_URL", "postgresql://prewarm:***@127.0.0.1:5432/prewarm");
    config.database_pool = static_cast<std::size_t>(settings.number("DATABASE_POOL", 4, 1, 100));
    config.redis_url = settings.secret("REDIS_URL", "redis://127.0.0.1:6379/0");

    config.r2_endpoint =
        http_url(settings, "R2_ENDPOINT",
                 settings.required_text("R2_ENDPOINT", "https://account.r2.cloudflarestorage.com"));
    config.r2_bucket = settings.required_text("R2_BUCKET", "media-production");
    config.r2_allowed_buckets = settings.list("R2_ALLOWED_BUCKETS");
    config.r2_credentials.access_key_id =
        settings.required_text("R2_ACCESS_KEY_ID", "the access key of an R2 API token");
    config.r2_credentials.secret_access_key =
        settings.required_secret("R2_SECRET_ACCESS_KEY", "the secret of that R2 API token");
    config.r2_credentials.region = settings.text("R2_REGION", "auto");

    config.telegram_api_url =
        http_url(settings, "TELEGRAM_API_URL",
                 settings.text("TELEGRAM_API_URL", "https://api.telegram.org"));
    if (settings.flag("TELEGRAM_LOCAL_MODE")) config.telegram_server = telegram::Server::local;
    config.bots = bots_from(settings);

    config.cache_key_templates = settings.list("PREWARM_CACHE_KEY_TEMPLATES");
    config.concurrency =
        static_cast<std::size_t>(settings.number("MEDIA_PREWARM_CONCURRENCY", 32, 1, 1000));
    config.max_queue =
        static_cast<std::size_t>(settings.number("MEDIA_PREWARM_MAX_QUEUE", 500, 1, 10'000));
    settings.require(config.max_queue >= config.concurrency,
                     fmt::format("MEDIA_PREWARM_MAX_QUEUE ({}) must be at least "
                                 "MEDIA_PREWARM_CONCURRENCY ({}), or jobs can never be at work at "
                                 "once",
                                 config.max_queue, config.concurrency));
    config.lease = settings.milliseconds("MEDIA_PREWARM_LEASE_MS", config.lease, 1s, 1h);
    config.drain = settings.milliseconds("MEDIA_PREWARM_DRAIN_MS", config.drain, 0ms,
                                         broker_ack_timeout - 1ms);

    config.admin_listen = settings.text("ADMIN_LISTEN", "127.0.0.1:9464");
    config.admin_api_token = settings.secret("ADMIN_API_TOKEN", "");
    config.log_level =
        *log::level_named(settings.one_of("LOG_LEVEL", "info", {"debug", "info", "warn", "error"}));
    config.log_format = *log::format_named(settings.one_of("LOG_FORMAT", "json", {"json", "text"}));

    settings.throw_if_wrong();
    config.effective = settings.effective();
    return config;
}

}  // namespace prewarm
