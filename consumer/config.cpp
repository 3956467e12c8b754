#include "consumer/config.hpp"

#include <charconv>
#include <filesystem>
#include <system_error>

#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include "common/base/text.hpp"

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

/// What `parsed` holds; its failure is remembered as a problem of `name`.
template <class T>
T sound(config::Settings& settings, std::string_view name, Result<T> parsed) {
    if (parsed) return std::move(*parsed);
    settings.require(false, fmt::format("{}: {}", name, parsed.error().detail));
    return {};
}

/// `host:port`, the host perhaps in brackets.
bool is_listen_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == 0 || colon == std::string_view::npos) return false;
    const auto port = text.substr(colon + 1);
    int number = -1;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    return error == std::errc{} && end == port.data() + port.size() && number >= 0 &&
           number <= 65535;
}

/// `30/s`, `20/min` or `600/h`, as messages a second.
double rate(config::Settings& settings, const std::string& name, std::string_view fallback) {
    const auto text = settings.text(name, fallback);
    const auto slash = text.find('/');
    double messages = 0;
    const auto* const end = text.data() + std::min(slash, text.size());
    const auto [stop, error] = std::from_chars(text.data(), end, messages);
    const auto unit = slash == std::string::npos ? "" : text.substr(slash + 1);
    const double seconds = unit == "s" ? 1 : unit == "min" ? 60 : unit == "h" ? 3600 : 0;
    const bool fine = error == std::errc{} && stop == end && seconds > 0 && messages > 0 &&
                      messages / seconds <= 1e6;
    settings.require(fine, fmt::format("{} must be messages per time, not `{}`; for example 30/s, "
                                       "20/min or 600/h",
                                       name, printable(text, 50)));
    return fine ? messages / seconds : 1;
}

UrlMode url_mode_named(std::string_view name) {
    if (name == "presigned") return UrlMode::presigned;
    return name == "public" ? UrlMode::public_address : UrlMode::off;
}

void read_download_cache(config::Settings& settings, ConsumerConfig& config) {
    constexpr std::int64_t mebibyte = 1 << 20;
    constexpr std::int64_t most_mebibytes = 100'000'000;
    auto& folder = config.download_cache_folder;
    folder = settings.text("MEDIA_PREWARM_DOWNLOAD_CACHE_DIR", "");
    while (folder.size() > 1 && folder.ends_with('/'))
        folder.pop_back();
    settings.require(folder.empty() || (folder.starts_with('/') && folder.size() > 1),
                     "MEDIA_PREWARM_DOWNLOAD_CACHE_DIR must be a folder of its own, from the root "
                     "on, for example /var/cache/prewarm");
    std::error_code not_seen;
    const auto there = std::filesystem::status(folder, not_seen);
    settings.require(!std::filesystem::exists(there) || std::filesystem::is_directory(there),
                     fmt::format("MEDIA_PREWARM_DOWNLOAD_CACHE_DIR: `{}` is no folder", folder));
    config.download_cache_bytes = static_cast<std::uint64_t>(
        mebibyte * settings.number("MEDIA_PREWARM_DOWNLOAD_CACHE_MB", 1024, 1, most_mebibytes));
    config.download_cache_ttl = settings.milliseconds("MEDIA_PREWARM_DOWNLOAD_CACHE_TTL_MS",
                                                      config.download_cache_ttl, 1ms, 24h * 30);
}

}  // namespace

Result<Bots> load_bots(const std::string& path) {
    const auto text = config::read_file(path);
    if (!text) {
        return Failure{FailureKind::misconfigured, fmt::format("cannot read the file `{}`", path)};
    }
    auto bots = read_bots(*text);
    if (!bots) return Failure{FailureKind::misconfigured, path + ": " + bots.error().detail};
    return bots;
}

ConsumerConfig load_config(const config::Environment& environment) {
    config::Settings settings{environment};
    ConsumerConfig config;
    config.brokers = sound(settings, "RABBITMQ_URL",
                           amqp::parse_broker_urls(settings.secret(
                               "RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/")));
    config.rabbitmq_prefix = settings.text("RABBITMQ_PREFIX", "");
    config.rabbitmq_management =
        sound(settings, "RABBITMQ_MANAGEMENT_URL",
              parse_management_url(settings.secret("RABBITMQ_MANAGEMENT_URL", "")));
    config.database_url =
        settings.required_secret("DATABASE_URL", "postgresql://prewarm:***@127.0.0.1:5432/prewarm");
    config.database_pool = static_cast<std::size_t>(settings.number("DATABASE_POOL", 4, 1, 100));
    settings.require(config.database_url.empty() ||
                         config.database_url.reveal().starts_with("postgresql://") ||
                         config.database_url.reveal().starts_with("postgres://"),
                     "DATABASE_URL must begin with postgresql://");
    config.redis =
        sound(settings, "REDIS_URL",
              redis::parse_url(settings.secret("REDIS_URL", "redis://127.0.0.1:6379/0")));

    config.r2_endpoint =
        http_url(settings, "R2_ENDPOINT",
                 settings.required_text("R2_ENDPOINT", "https://account.r2.cloudflarestorage.com"));
    config.r2_bucket = settings.required_text("R2_BUCKET", "media-production");
    config.r2_allowed_buckets = settings.list("R2_ALLOWED_BUCKETS");
    config.r2_credentials.access_key_id =
        settings.required_secret("R2_ACCESS_KEY_ID", "the access key of an R2 API token").reveal();
    config.r2_credentials.secret_access_key =
        settings.required_secret("R2_SECRET_ACCESS_KEY", "the secret of that R2 API token");
    config.r2_credentials.region = settings.text("R2_REGION", "auto");

    config.url_mode =
        url_mode_named(settings.one_of("PREWARM_URL_MODE", "off", {"off", "presigned", "public"}));
    config.r2_public_base_url =
        http_url(settings, "R2_PUBLIC_BASE_URL", settings.text("R2_PUBLIC_BASE_URL", ""));
    settings.require(
        config.url_mode != UrlMode::public_address || !config.r2_public_base_url.empty(),
        "PREWARM_URL_MODE=public needs R2_PUBLIC_BASE_URL, for example https://media.example.org");
    config.forwards = settings.flag("PREWARM_FORWARD_FANOUT");

    config.telegram_api_url =
        http_url(settings, "TELEGRAM_API_URL",
                 settings.text("TELEGRAM_API_URL", "https://api.telegram.org"));
    if (settings.flag("TELEGRAM_LOCAL_MODE")) config.telegram_server = telegram::Server::local;
    auto& limits = config.telegram_limits;
    limits.bot_per_second = rate(settings, "TELEGRAM_RATE_BOT", "30/s");
    limits.most_in_flight = budget::most_in_flight(limits.bot_per_second);
    limits.chat_per_second = rate(settings, "TELEGRAM_RATE_CHAT", "1/s");
    limits.group_per_minute = rate(settings, "TELEGRAM_RATE_GROUP", "20/min") * 60;
    settings.require(limits.group_per_minute >= 1, "TELEGRAM_RATE_GROUP must be at least 1/min");
    limits.spaces_equal_sizes = config.telegram_server == telegram::Server::cloud;
    config.bots_file = settings.required_text("PREWARM_BOTS_FILE", "/etc/prewarm/bots.json");
    if (!config.bots_file.empty()) {
        config.bots = sound(settings, "PREWARM_BOTS_FILE", load_bots(config.bots_file));
    }

    config.cache_key_templates = settings.list("PREWARM_CACHE_KEY_TEMPLATES");
    config.albums = settings.flag("PREWARM_ALBUMS");
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
    config.interval = settings.milliseconds("MEDIA_PREWARM_INTERVAL_MS", config.interval, 50ms, 1h);
    auto& retries = config.retries;
    retries.max_attempts = static_cast<std::uint32_t>(
        settings.number("MEDIA_PREWARM_MAX_ATTEMPTS", retries.max_attempts, 1, 1000));
    retries.backoff = settings.milliseconds("MEDIA_PREWARM_BACKOFF_MS", retries.backoff, 1ms, 24h);
    retries.longest_backoff = settings.milliseconds("MEDIA_PREWARM_BACKOFF_MAX_MS",
                                                    retries.longest_backoff, 1ms, 24h * 30);
    retries.retries_weak_id = settings.flag("MEDIA_PREWARM_RETRY_WEAK_ID");
    settings.require(
        retries.longest_backoff >= retries.backoff,
        "MEDIA_PREWARM_BACKOFF_MAX_MS must be at least as long as MEDIA_PREWARM_BACKOFF_MS");

    read_download_cache(settings, config);
    config.admin_listen = settings.text("ADMIN_LISTEN", "127.0.0.1:9464");
    settings.require(is_listen_address(config.admin_listen),
                     "ADMIN_LISTEN must be host:port, for example 127.0.0.1:9464");
    config.admin_api_token = settings.secret("ADMIN_API_TOKEN", "");
    config.log_level =
        *log::level_named(settings.one_of("LOG_LEVEL", "info", {"debug", "info", "warn", "error"}));
    config.log_format = *log::format_named(settings.one_of("LOG_FORMAT", "json", {"json", "text"}));

    settings.throw_if_wrong();
    config.effective = settings.effective();
    return config;
}

}  // namespace prewarm
