#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "common/http/server.hpp"
#include "common/log/log.hpp"
#include "sandbox/faults/read_faults.hpp"
#include "sandbox/plan/command.hpp"
#include "sandbox/sandbox.hpp"

namespace {

namespace asio = boost::asio;
using namespace prewarm;

constexpr int done = 0;
constexpr int failed = 1;
constexpr int misused = 2;

struct Arguments {
    std::string listen = "127.0.0.1:8081";
    std::string data;
    std::vector<std::string> buckets{"media-production"};
    std::string access_key_id = "sandbox-access-key";
    std::string secret_access_key = "sandbox-secret-key";
    std::string region = "auto";
    std::string bots_file;
    unsigned r2_latency_ms = 0;
    unsigned telegram_latency_ms = 0;
    std::uint64_t telegram_bytes_per_second = 0;
    bool telegram_local = false;
    bool no_limits = false;
    double limit_bot = 30;
    double limit_chat = 1;
    unsigned limit_group = 20;
    unsigned limit_requests = 1000;
    unsigned limit_uploads = 100;
    std::uint64_t limit_upload_bytes = 4ULL << 30U;
    unsigned limit_unsent = 310;
    unsigned limit_sessions = 20;
    bool no_same_size = false;
    bool no_drift = false;
    std::string faults_file;
    std::string log_level = "info";
    std::string log_format = "json";
};

void describe(CLI::App& app, Arguments& arguments) {
    app.set_version_flag("--version", PREWARM_VERSION);
    app.option_defaults()->always_capture_default();
    app.add_option(
        "--listen", arguments.listen,
        "HOST:PORT for everything: /bot<token>/<method> is the Bot API, "
        "/sandbox/received and /sandbox/stats tell what arrived, /sandbox/faults what goes "
        "wrong, all else is R2, path style. Port 0 picks a free one; the address is printed.");
    app.add_option("--data", arguments.data,
                   "Folder that keeps R2's objects [default: a temporary one, removed at the end]")
        ->always_capture_default(false);
    app.add_option("--bucket", arguments.buckets, "R2 bucket; may be given several times");
    app.add_option("--access-key-id", arguments.access_key_id)->envname("R2_ACCESS_KEY_ID");
    app.add_option("--secret-access-key", arguments.secret_access_key)
        ->envname("R2_SECRET_ACCESS_KEY");
    app.add_option("--region", arguments.region)->envname("R2_REGION");
    app.add_option("--bots", arguments.bots_file,
                   "File like PREWARM_BOTS_FILE: other tokens get 401 [default: any token of the "
                   "right form is a bot]")
        ->always_capture_default(false);
    app.add_option("--r2-latency-ms", arguments.r2_latency_ms, "Before each of R2's answers");
    app.add_option("--telegram-latency-ms", arguments.telegram_latency_ms,
                   "After the body of each upload");
    app.add_option("--telegram-bytes-per-second", arguments.telegram_bytes_per_second,
                   "How fast each upload is taken; 0: as it comes");
    app.add_flag("--telegram-local", arguments.telegram_local,
                 "As a Bot API server of one's own with --local: uploads up to 2000 MB");
    app.add_flag("--no-limits", arguments.no_limits,
                 "No flood limits at all: for tests of other things");
    app.add_option("--limit-bot", arguments.limit_bot,
                   "Messages a second from one bot, as many at once; 0: any number");
    app.add_option("--limit-chat", arguments.limit_chat,
                   "Messages a second to a private chat, five at once; 0: any number");
    app.add_option("--limit-group", arguments.limit_group,
                   "Messages to a group or channel in any minute; 0: any number");
    app.add_option("--limit-requests", arguments.limit_requests,
                   "Requests of one bot at once; 0: any number");
    app.add_option("--limit-uploads", arguments.limit_uploads,
                   "Uploads of one bot at once; 0: any number");
    app.add_option("--limit-upload-bytes", arguments.limit_upload_bytes,
                   "Bytes of one bot's uploads at once; 0: any number");
    app.add_option("--limit-unsent", arguments.limit_unsent,
                   "Messages of one bot that are on their way to one chat; 0: any number");
    app.add_option("--limit-sessions", arguments.limit_sessions,
                   "Bots that are new here in any minute, thirty times as many in an hour; 0: any "
                   "number");
    app.add_flag("--no-same-size", arguments.no_same_size,
                 "Uploads of exactly the same size do not wait for each other");
    app.add_flag("--no-drift", arguments.no_drift,
                 "Nobody looks into files: each keeps the kind it is sent as, and any bytes are a "
                 "photo");
    app.add_option("--faults", arguments.faults_file,
                   "File with rules of what goes wrong, for whom and how often: a JSON array, see "
                   "docs/sandbox.md. PUT /sandbox/faults replaces them while it runs.")
        ->always_capture_default(false);
    app.add_option("--log-level", arguments.log_level)
        ->envname("LOG_LEVEL")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
    app.add_option("--log-format", arguments.log_format)
        ->envname("LOG_FORMAT")
        ->check(CLI::IsMember({"json", "text"}));
}

/// A folder of our own below the system's temporary one, gone with this.
class TemporaryFolder {
public:
    TemporaryFolder() {
        auto name = (std::filesystem::temp_directory_path() / "prewarm-sandbox-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr)
            throw std::system_error{errno, std::generic_category(), "cannot make " + name};
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

sandbox::R2Options r2_options(const Arguments& arguments, const std::filesystem::path& folder) {
    return {.credentials = {.access_key_id = arguments.access_key_id,
                            .secret_access_key = Secret{arguments.secret_access_key},
                            .region = arguments.region},
            .buckets = arguments.buckets,
            .folder = folder,
            .latency = std::chrono::milliseconds{arguments.r2_latency_ms}};
}

/// One's own server with --local spaces no sizes and bounds neither requests nor uploads.
sandbox::RateLimits rate_limits(const Arguments& arguments) {
    if (arguments.no_limits) {
        return {.bot_per_second = 0,
                .chat_per_second = 0,
                .group_per_minute = 0,
                .requests_at_once = 0,
                .uploads_at_once = 0,
                .upload_bytes_at_once = 0,
                .unsent_per_chat = 0,
                .sessions_per_minute = 0,
                .spaces_equal_sizes = false};
    }
    sandbox::RateLimits limits{.bot_per_second = arguments.limit_bot,
                               .chat_per_second = arguments.limit_chat,
                               .group_per_minute = arguments.limit_group,
                               .requests_at_once = arguments.limit_requests,
                               .uploads_at_once = arguments.limit_uploads,
                               .upload_bytes_at_once = arguments.limit_upload_bytes,
                               .unsent_per_chat = arguments.limit_unsent,
                               .sessions_per_minute = arguments.limit_sessions,
                               .spaces_equal_sizes = !arguments.no_same_size};
    if (arguments.telegram_local) {
        limits.requests_at_once = 0;
        limits.uploads_at_once = 0;
        limits.upload_bytes_at_once = 0;
        limits.spaces_equal_sizes = false;
    }
    return limits;
}

Result<sandbox::BotApiOptions> telegram_options(const Arguments& arguments) {
    sandbox::BotApiOptions options;
    options.latency = std::chrono::milliseconds{arguments.telegram_latency_ms};
    options.limits.bytes_per_second = arguments.telegram_bytes_per_second;
    options.is_local = arguments.telegram_local;
    if (options.is_local) options.limits.body_bytes = sandbox::most_local_body_bytes;
    options.rates = rate_limits(arguments);
    options.looking = arguments.no_drift ? sandbox::Looking::off : sandbox::Looking::on;
    if (arguments.bots_file.empty()) return options;
    auto bots = sandbox::read_bots_file(arguments.bots_file);
    if (!bots) return bots.error();
    options.bots = std::move(*bots);
    return options;
}

int misuse(const std::string& what) {
    fmt::print(stderr, "prewarm-sandbox: {}\n", what);
    return misused;
}

std::optional<std::string> wrong_bucket(const std::vector<std::string>& buckets) {
    static const std::regex name{"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"};
    for (const auto& bucket : buckets) {
        if (bucket == "sandbox")
            return "--bucket: 'sandbox' is the path of the listing; choose another name";
        if (!std::regex_match(bucket, name))
            return fmt::format(
                "--bucket: '{}' is no bucket's name, which has 3 to 63 lower-case "
                "letters, digits, dots and hyphens",
                bucket);
    }
    return std::nullopt;
}

asio::awaitable<void> run_until_told(http::Server& server) {
    asio::signal_set signals{co_await asio::this_coro::executor, SIGINT, SIGTERM, SIGHUP};
    co_await signals.async_wait(asio::use_awaitable);
    log::info("sandbox.stopping", "requests at work may end");
    co_await server.stop(deadline_in(std::chrono::seconds{5}));
}

int run(const Arguments& arguments) {
    if (auto wrong = wrong_bucket(arguments.buckets)) return misuse(*wrong);
    auto telegram = telegram_options(arguments);
    if (!telegram) return misuse(telegram.error().detail);
    Result<sandbox::FaultScript> faults{sandbox::FaultScript{}};
    if (!arguments.faults_file.empty()) faults = sandbox::read_faults_file(arguments.faults_file);
    if (!faults) return misuse("--faults: " + faults.error().detail);
    std::optional<TemporaryFolder> temporary;
    if (arguments.data.empty()) temporary.emplace();

    const std::filesystem::path folder =
        temporary ? temporary->path() : std::filesystem::path{arguments.data};
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error || access(folder.c_str(), R_OK | W_OK | X_OK) != 0)
        return misuse(fmt::format("--data: {} cannot be written: {}", folder.string(),
                                  error ? error.message() : "permission denied"));

    asio::io_context loop{1};
    sandbox::Sandbox simulator{r2_options(arguments, folder), std::move(*telegram),
                               std::move(*faults)};
    http::Server server{loop.get_executor(),
                        [&simulator](http::Request& request) { return simulator.answer(request); }};
    if (auto listening = server.listen(arguments.listen); !listening)
        return misuse("--listen: " + listening.error().detail);
    fmt::print("listening on http://{}\n", server.address());
    std::fflush(stdout);

    std::exception_ptr thrown;
    asio::co_spawn(loop, run_until_told(server), [&](std::exception_ptr error) { thrown = error; });
    loop.run();
    if (thrown) std::rethrow_exception(thrown);
    return done;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    CLI::App app{
        "A simulator of R2 and of the Telegram Bot API, to try and test prewarm without "
        "credentials.",
        "prewarm-sandbox"};
    try {
        describe(app, arguments);
        const auto plan = sandbox::add_plan_command(app);
        app.parse(argc, argv);
        if (app.got_subcommand("plan")) return plan();
        log::configure(*log::level_named(arguments.log_level),
                       *log::format_named(arguments.log_format));
        return run(arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? done : misused;
    } catch (const std::exception& error) {
        log::error("sandbox.failed", error.what());
        return failed;
    }
}
