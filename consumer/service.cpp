#include "consumer/service.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "common/amqp/consumer.hpp"
#include "common/amqp/publisher.hpp"
#include "common/base/rfc3339.hpp"
#include "common/downloads/download_cache.hpp"
#include "common/events/upload_event.hpp"
#include "common/http/client.hpp"
#include "common/http/server.hpp"
#include "common/log/log.hpp"
#include "common/media_store/media_store.hpp"
#include "common/metrics/registry.hpp"
#include "common/postgres/migrate.hpp"
#include "common/postgres/pool.hpp"
#include "common/redis/connection.hpp"
#include "common/runtime/deadline.hpp"
#include "common/runtime/task_group.hpp"
#include "common/topology/topology.hpp"
#include "common/topology/upload_message.hpp"
#include "consumer/adapters/amqp_messenger.hpp"
#include "consumer/adapters/postgres_ledger.hpp"
#include "consumer/adapters/r2_telegram_courier.hpp"
#include "consumer/adapters/redis_invalidator.hpp"
#include "consumer/adapters/redis_turns.hpp"
#include "consumer/adapters/route_courier.hpp"
#include "consumer/adapters/steady_clock.hpp"
#include "consumer/admin/routes.hpp"
#include "consumer/budget/telegram_budget.hpp"
#include "consumer/dependencies.hpp"
#include "consumer/intake/intake.hpp"
#include "consumer/policy_watch.hpp"
#include "consumer/queue_watch.hpp"
#include "consumer/reconcile/reconciler.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

// Of the time to drain, what is kept for the end: jobs that were cancelled give up their leases,
// and each server is told goodbye. One that does not answer gets no more than its share.
constexpr auto most_kept_for_the_end = 5s;
// Where there is hardly any time to drain, each farewell gets this much all the same.
constexpr auto least_for_a_farewell = 100ms;
constexpr auto topology_time = 15s;
constexpr auto confirm_time = 15s;

/// Names this process in leases, dead letters and to the broker: unlike any other's.
std::string instance_name() {
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) != 0) host = {"unknown"};
    return fmt::format("{}:{}:{}", host.data(), getpid(), events::new_event_id().substr(0, 8));
}

/// What `parsed` holds, or the start-up error that says which variable is wrong.
template <class T>
T required(Result<T> parsed, std::string_view variable) {
    if (!parsed) throw StartupError{fmt::format("{}: {}", variable, parsed.error().detail)};
    return std::move(*parsed);
}

amqp::ConnectionOptions broker_connection(const ConsumerConfig& config, std::string name) {
    amqp::ConnectionOptions options;
    options.brokers = config.brokers;
    options.name = std::move(name);
    return options;
}

amqp::LinkOptions broker_link(const ConsumerConfig& config, std::string name) {
    amqp::LinkOptions options;
    options.connection = broker_connection(config, std::move(name));
    options.on_connected =
        [names = topology::Names{config.rabbitmq_prefix}](amqp::Connection& connection) {
            return topology::declare(connection, names, deadline_in(topology_time));
        };
    options.on_change = [name = options.connection.name](const amqp::LinkStatus& status) {
        log::info("broker.link", "the link to the broker has changed",
                  {{"link", name},
                   {"state", amqp::name_of(status.state)},
                   {"blocked", status.blocked},
                   {"broker", status.broker},
                   {"error", status.last_failure}});
    };
    return options;
}

class Service {
public:
    Service(ConsumerConfig config, asio::io_context& loop);

    asio::awaitable<void> run();

private:
    asio::awaitable<void> check_surroundings();
    void spawn_background();
    asio::awaitable<void> consume_once_the_schema_is_there();
    asio::awaitable<void> reread_bots();
    asio::awaitable<void> watch_refused_bots();
    Task<> check_rabbitmq();
    std::vector<BotRoom> room_of_bots() const;
    Task<> check_redis();
    Task<> publish_again(const Upload& upload);
    Task<> give_up(const LostEvent& event, const std::string& why);
    Deadline::duration kept_for_the_end() const {
        return std::min<Deadline::duration>(config_.drain / 4, most_kept_for_the_end);
    }
    asio::awaitable<void> drain(Deadline end);
    asio::awaitable<void> stop_now(Deadline end);

    ConsumerConfig config_;
    asio::io_context& loop_;
    asio::any_io_executor executor_ = loop_.get_executor();
    std::string instance_ = instance_name();
    topology::Names names_{config_.rabbitmq_prefix};
    metrics::Registry metrics_;

    postgres::Pool pool_{{.url = config_.database_url,
                          .connections = config_.database_pool,
                          .application_name = "prewarm-consumer"}};
    MediaStore store_{pool_};
    redis::Connection redis_{executor_, config_.redis};
    http::Client r2_{executor_, s3::reader_client_options()};
    http::Client telegram_{executor_, telegram::client_options(config_.telegram_server)};
    amqp::Publisher publisher_{executor_, broker_link(config_, instance_ + " publisher")};
    amqp::Consumer consumer_{executor_,
                             {.link = broker_link(config_, instance_ + " consumer"),
                              .queue = names_.upload_queue,
                              .prefetch = static_cast<std::uint16_t>(config_.prefetch()),
                              .largest_body_bytes = Intake::largest_body_bytes}};

    PostgresLedger ledger_{store_, instance_, config_.lease};
    SteadyClock clock_;
    RedisTurns turns_{redis_};
    TelegramBudget budget_{
        budget_parts(),
        {.instance = instance_, .limits = config_.telegram_limits, .at_once = config_.concurrency}};
    Dependencies dependencies_{executor_, metrics_};
    telegram::BotClient album_bots_{telegram_, config_.telegram_api_url};
    AlbumDesk albums_{executor_, album_options()};
    std::optional<downloads::DownloadCache> downloads_ = download_cache();
    R2TelegramCourier streaming_{r2_, telegram_, courier_options()};
    RouteCourier courier_{streaming_, telegram_, route_options()};
    RedisInvalidator invalidator_{redis_, config_.cache_key_templates};
    AmqpMessenger messenger_{publisher_, names_, instance_};
    Report report_{metrics_};
    warm::WarmMedia warm_{
        executor_,
        {ledger_, budget_, dependencies_, courier_, invalidator_, messenger_, clock_, report_},
        config_.retries};

    Admission admission_{config_.bots, config_.r2_bucket, config_.r2_allowed_buckets};
    Settle settle_{consumer_, messenger_};
    Intake intake_{executor_,
                   {consumer_, warm_, dependencies_, settle_, admission_, report_, metrics_,
                    [this] { return budget_.waiting_for_telegram(); }},
                   config_.concurrency};
    QueueWatch queue_watch_{broker_connection(config_, instance_ + " watch"), names_, metrics_};
    PolicyWatch policy_watch_{executor_, config_.rabbitmq_management, config_.brokers.front().vhost,
                              names_, metrics_};
    http::Server admin_{executor_, admin::routes(admin_parts())};
    Reconciler reconciler_{reconciler_parts(), config_.interval, config_.lease};
    TaskGroup background_{executor_};

    std::optional<Secret> token_of(std::string_view bot_slug) const;
    s3::Endpoint r2_endpoint() const;
    std::optional<downloads::DownloadCache> download_cache();
    AlbumDesk::Options album_options();
    CourierOptions courier_options();
    RouteOptions route_options();
    Task<std::optional<StoredMessage>> message_of_another_bot(const Upload& upload);
    TelegramBudget::Parts budget_parts();
    Reconciler::Parts reconciler_parts();
    admin::Parts admin_parts();
};

Service::Service(ConsumerConfig config, asio::io_context& loop)
    : config_{std::move(config)}, loop_{loop} {}

std::optional<Secret> Service::token_of(std::string_view bot_slug) const {
    const auto bot = config_.bots.find(bot_slug);
    if (bot == config_.bots.end()) return std::nullopt;
    return bot->second.token;
}

s3::Endpoint Service::r2_endpoint() const {
    return required(s3::Endpoint::at(config_.r2_endpoint, config_.r2_credentials), "R2_ENDPOINT");
}

RouteOptions Service::route_options() {
    return {
        .url_mode = config_.url_mode,
        .public_base_url = config_.r2_public_base_url,
        .forwards = config_.forwards,
        .r2 = r2_endpoint(),
        .r2_bucket = config_.r2_bucket,
        .telegram_api_url = config_.telegram_api_url,
        .telegram_server = config_.telegram_server,
        .token_of = [this](std::string_view bot_slug) { return token_of(bot_slug); },
        .message_of_another_bot = [this](const Upload& of) { return message_of_another_bot(of); },
        .on_carried = [this](const Upload&,
                             const CarryReport& carried) { report_.carried(carried); }};
}

Task<std::optional<StoredMessage>> Service::message_of_another_bot(const Upload& upload) {
    const auto own = config_.bots.find(upload.media.bot_slug);
    std::vector<std::string> others;
    for (const auto& [slug, bot] : config_.bots) {
        if (slug != upload.media.bot_slug) others.push_back(slug);
    }
    if (own == config_.bots.end() || others.empty()) co_return std::nullopt;
    co_return co_await store_.find_message(upload.media, std::move(others),
                                           own->second.storage_chats);
}

std::optional<downloads::DownloadCache> Service::download_cache() {
    if (config_.download_cache_folder.empty()) return std::nullopt;
    return std::optional<downloads::DownloadCache>{
        std::in_place, executor_,
        downloads::CacheOptions{.folder = config_.download_cache_folder,
                                .most_bytes = config_.download_cache_bytes,
                                .ttl = config_.download_cache_ttl}};
}

AlbumDesk::Options Service::album_options() {
    return {.send = [this](Secret token, std::vector<telegram::OutgoingMedia> photos,
                           Deadline deadline) {
        return album_bots_.send_album(std::move(token), std::move(photos), deadline);
    }};
}

CourierOptions Service::courier_options() {
    const bool is_local = config_.telegram_server == telegram::Server::local;
    return {.r2 = r2_endpoint(),
            .r2_bucket = config_.r2_bucket,
            .telegram_api_url = config_.telegram_api_url,
            .telegram_server = config_.telegram_server,
            .token_of = [this](std::string_view bot_slug) { return token_of(bot_slug); },
            .any_token = [this]() -> std::optional<Secret> {
                return config_.bots.begin()->second.token;
            },
            .on_carried = [this](const Upload&,
                                 const CarryReport& carried) { report_.carried(carried); },
            .cache = downloads_ ? &*downloads_ : nullptr,
            .albums = &albums_,
            .time_limit = std::chrono::minutes{is_local ? 40 : 10}};
}

TelegramBudget::Parts Service::budget_parts() {
    return {.executor = executor_,
            .bots = config_.bots,
            .metrics = metrics_,
            .clock = clock_,
            .ask = [this](std::string_view bot_slug,
                          const budget::Request& request) { return turns_.ask(bot_slug, request); },
            .may_share_album =
                [this](const Upload& upload) { return config_.albums && albums_.takes(upload); },
            .on_left_album = [this](const warm::Album& album) { albums_.leave(album); }};
}

// Twice what may be sent until the next look, so that nothing is missing if that comes late.
std::vector<BotRoom> Service::room_of_bots() const {
    constexpr std::size_t when_unknown = 1000;
    std::vector<BotRoom> rooms;
    for (auto& slug : budget_.usable_bots()) {
        const auto room = budget_.room_within(slug, 2 * config_.interval + 1s, when_unknown);
        rooms.push_back({std::move(slug), room});
    }
    return rooms;
}

Reconciler::Parts Service::reconciler_parts() {
    return {.store = store_,
            .surroundings = dependencies_,
            .metrics = metrics_,
            .clock = clock_,
            .publish = [this](const Upload& upload) { return publish_again(upload); },
            .dead_letter = [this](const LostEvent& event,
                                  const std::string& why) { return give_up(event, why); },
            .usable_bots = [this] { return room_of_bots(); },
            .resting_bots = [this] { return budget_.refused_bots(); },
            .queue_is_empty = [this] { return queue_watch_.upload_queue_is_empty(); }};
}

admin::Parts Service::admin_parts() {
    return {.metrics = metrics_,
            .store = store_,
            .intake = intake_,
            .dependencies = dependencies_,
            .consumer_link = [this] { return consumer_.status(); },
            .publisher_link = [this] { return publisher_.status(); },
            .queue_size = [this] { return queue_watch_.upload_queue_depth(); },
            .max_queue = config_.max_queue,
            .api_token = config_.admin_api_token};
}

// What contradicts us now will do so in a minute. What is merely away is waited for, as it would be
// later.
asio::awaitable<void> Service::check_surroundings() {
    const auto schema = co_await postgres::schema_is_current(pool_);
    if (!schema && schema.error().kind == FailureKind::misconfigured) {
        throw StartupError{"DATABASE_URL: " + schema.error().detail};
    }
    const auto declared =
        co_await [](amqp::ConnectionOptions options, topology::Names names) -> Task<> {
        auto connection = co_await amqp::Connection::open(std::move(options));
        if (!connection) co_return connection.error();
        auto result = co_await topology::declare(**connection, names, deadline_in(topology_time));
        (void)co_await (*connection)->close(deadline_in(1s));
        co_return result;
    }(broker_connection(config_, instance_ + " start"), names_);
    if (!declared && declared.error().kind == FailureKind::misconfigured) {
        throw StartupError{"RABBITMQ_URL: " + declared.error().detail};
    }
    for (const auto* answer : {&schema, &declared}) {
        if (!*answer) {
            log::warn("service.waiting", "a dependency is away; going on when it is back",
                      {{"error", answer->error().detail}});
        }
    }
}

void Service::spawn_background() {
    background_.spawn(publisher_.run());
    background_.spawn(consume_once_the_schema_is_there());
    background_.spawn(reread_bots());
    background_.spawn(intake_.run());
    background_.spawn(intake_.mind_the_time());
    background_.spawn(ledger_.keep_leases());
    background_.spawn(reconciler_.run());
    background_.spawn(watch_refused_bots());
    background_.spawn(policy_watch_.run());
    if (downloads_) background_.spawn(downloads_->run());

    dependencies_.on_change = [this] { intake_.start_jobs(); };
    budget_.on_waiting = [this] { intake_.start_jobs(); };
    const auto watch = [this](Dependency dependency, std::chrono::milliseconds period, auto check) {
        background_.spawn(dependencies_.watch(dependency, period, std::move(check)));
    };
    watch(Dependency::postgres, 2s, [this] { return pool_.ping(); });
    watch(Dependency::redis, 2s, [this] { return check_redis(); });
    watch(Dependency::rabbitmq, 2s, [this] { return check_rabbitmq(); });
    watch(Dependency::r2, 10s, [this] { return streaming_.check_r2(); });
    watch(Dependency::telegram, 30s, [this] { return streaming_.check_telegram(); });
}

Task<> Service::check_redis() {
    const auto pong = co_await redis_.command({"PING"});
    if (!pong) co_return pong.error();
    co_return Result<>{};
}

// What is done could not be announced over a connection that the broker does not read.
Task<> Service::check_rabbitmq() {
    auto asked = co_await queue_watch_.ask();
    if (!asked) co_return asked;
    auto publisher = publisher_.status();
    // At the start it is just being connected.
    for (int i = 0;
         i < 50 && publisher.state != amqp::LinkState::ready && publisher.last_failure.empty();
         ++i) {
        co_await sleep_for(100ms);
        publisher = publisher_.status();
    }
    if (publisher.state != amqp::LinkState::ready) {
        co_return Failure{FailureKind::unavailable,
                          "the publisher is not connected: " + publisher.last_failure};
    }
    if (publisher.blocked) co_return Failure{FailureKind::unavailable, "the broker is in an alarm"};
    co_return Result<>{};
}

Task<> Service::publish_again(const Upload& upload) {
    return publisher_.publish(names_.upload_exchange, names_.upload_key,
                              topology::upload_message(upload, "prewarm-consumer"),
                              amqp::Mandatory::yes, deadline_in(confirm_time));
}

Task<> Service::give_up(const LostEvent& event, const std::string& why) {
    amqp::Message message;
    message.body = event.encoded_event;
    message.content_type = events::protobuf_content_type;
    message.type = events::upload_type;
    const auto first_seen =
        event.first_seen.empty() ? rfc3339(std::chrono::system_clock::now()) : event.first_seen;
    auto lettered = co_await messenger_.dead_letter(
        std::move(message), {FailureReason::invalid_event, why}, first_seen);
    if (!lettered) co_return lettered;
    Upload upload;
    upload.media = event.media;
    if (!is_bot_slug(upload.media.bot_slug)) upload.media.bot_slug.clear();
    co_return co_await messenger_.announce_failed(
        events::failed_media(upload, FailureReason::invalid_event, why, 0), "");
}

// Their jobs are parked, and stay so until Telegram knows the token again.
asio::awaitable<void> Service::watch_refused_bots() {
    while (true) {
        co_await sleep_for(2s);
        for (const auto& slug : budget_.refused_bots()) {
            if (co_await streaming_.check_bot(slug)) budget_.bot_is_back(slug);
        }
    }
}

// With a database that was away at the start and then turns out to be no good, every event would be
// dead-lettered: nothing is taken before the tables have been seen.
asio::awaitable<void> Service::consume_once_the_schema_is_there() {
    while (true) {
        const auto schema = co_await postgres::schema_is_current(pool_);
        if (schema) break;
        log::warn("service.waiting", "no events are taken before the database is ready",
                  {{"error", schema.error().detail}});
        co_await sleep_for(2s);
    }
    co_await consumer_.run();
}

// SIGHUP: bots can be added and tokens changed without a restart.
asio::awaitable<void> Service::reread_bots() {
    asio::signal_set hangups{executor_, SIGHUP};
    while (true) {
        co_await hangups.async_wait(asio::use_awaitable);
        auto bots = load_bots(config_.bots_file);
        if (!bots) {
            log::error("bots.refused",
                       "PREWARM_BOTS_FILE is wrong; going on with what it said before",
                       {{"error", bots.error().detail}});
            continue;
        }
        config_.bots = std::move(*bots);
        budget_.forget_rests();
        log::info("bots.read", "PREWARM_BOTS_FILE was read again", {{"bots", config_.bots.size()}});
    }
}

asio::awaitable<void> Service::run() {
    log::Fields settings;
    for (const auto& [name, value] : config_.effective)
        settings.emplace_back(name, value);
    log::info("service.starting", "prewarm-consumer " PREWARM_VERSION, settings);
    co_await check_surroundings();
    if (const auto listening = admin_.listen(config_.admin_listen); !listening) {
        throw StartupError{"ADMIN_LISTEN: " + listening.error().detail};
    }
    spawn_background();
    log::info("service.started", "taking upload events",
              {{"instance", instance_},
               {"admin", "http://" + admin_.address()},
               {"concurrency", config_.concurrency},
               {"prefetch", config_.prefetch()}});

    asio::signal_set signals{executor_, SIGTERM, SIGINT};
    co_await signals.async_wait(asio::use_awaitable);
    auto impatient = std::make_shared<bool>(false);
    signals.async_wait([this, impatient](boost::system::error_code error, int) {
        if (error) return;
        *impatient = true;
        intake_.cancel_jobs();
    });
    const auto end = deadline_in(config_.drain);
    co_await drain(end);
    if (*impatient) log::warn("service.stopped_at_once", "a second signal came");
    signals.cancel();
    co_await stop_now(end);
    log::info("service.stopped", "goodbye");
}

// Stopping is soft, then hard.
asio::awaitable<void> Service::drain(Deadline end) {
    log::info("service.draining", "no new jobs are taken", {{"at_work", intake_.jobs_at_work()}});
    if (co_await intake_.drain(end - kept_for_the_end())) co_return;

    log::warn("service.drain_expired", "cancelling jobs at work",
              {{"at_work", intake_.jobs_at_work()}});
    intake_.cancel_jobs();
    co_await intake_.drain(end - kept_for_the_end() / 2);
}

// A call to PostgreSQL cannot be interrupted: where it is silent the end does not wait. Leases then
// run out, and the broker gives what was held to another instance.
asio::awaitable<void> Service::stop_now(Deadline end) {
    const auto kept = kept_for_the_end();
    // A second signal may have ended the wait long before its time.
    const auto within = [kept](Deadline deadline) {
        return std::max(std::min(deadline, deadline_in(kept / 2)),
                        deadline_in(least_for_a_farewell));
    };
    const auto broker_let_go = within(end - kept / 4);
    (void)co_await consumer_.close(broker_let_go);
    (void)co_await publisher_.close(broker_let_go);
    co_await admin_.stop(within(end - kept / 8));
    background_.cancel_all();
    bool joined = co_await background_.join(within(end));
    joined = co_await budget_.close(within(end)) && joined;
    joined = co_await albums_.close(within(end)) && joined;
    if (!joined || !intake_.is_idle()) {
        // What still runs uses what would be destroyed next.
        log::warn("service.stopped_hard", "a server does not answer; not waiting for it",
                  {{"at_work", intake_.jobs_at_work()}});
        std::_Exit(0);
    }
    co_await queue_watch_.close(within(end));
    co_await redis_.close();
}

}  // namespace

void run_service(ConsumerConfig config) {
    asio::io_context loop{1};
    Service service{std::move(config), loop};
    std::exception_ptr thrown;
    asio::co_spawn(loop, service.run(), [&](std::exception_ptr error) {
        thrown = error;
        loop.stop();
    });
    try {
        loop.run();
    } catch (const std::exception& bug) {
        // A task's exception is a bug, and the others still run: no orderly end is left.
        log::error("service.failed", bug.what());
        std::_Exit(1);
    }
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace prewarm
