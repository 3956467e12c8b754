#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/config/settings.hpp"
#include "common/log/log.hpp"
#include "consumer/config.hpp"
#include "consumer/service.hpp"

namespace {

constexpr int success = 0;
constexpr int failed = 1;
constexpr int misused = 2;

constexpr const char* about =
    "Takes upload events from RabbitMQ, streams each object from R2 to Telegram, records its "
    "file_id and tells everybody.\nConfigured by environment variables: see the README, "
    "or the complaint when one is missing.";

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{about, "prewarm-consumer"};
    app.set_version_flag("--version", "prewarm-consumer " PREWARM_VERSION);
    bool check_config = false;
    app.add_flag("--check-config", check_config, "read the configuration, report, and stop there");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? success : misused;
    }

    try {
        auto config = prewarm::load_config(prewarm::config::process_environment());
        if (check_config) {
            for (const auto& [name, value] : config.effective)
                fmt::print("{}={}\n", name, value);
            return success;
        }
        prewarm::log::configure(config.log_level, config.log_format);
        prewarm::run_service(std::move(config));
        return success;
    } catch (const prewarm::config::ConfigError& error) {
        fmt::print(stderr, "prewarm-consumer: the configuration is wrong:\n{}\n", error.what());
        return misused;
    } catch (const prewarm::StartupError& error) {
        fmt::print(stderr, "prewarm-consumer: {}\n", error.what());
        return misused;
    } catch (const std::exception& error) {
        prewarm::log::error("service.failed", error.what());
        return failed;
    }
}
