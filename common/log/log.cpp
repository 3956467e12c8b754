#include "common/log/log.hpp"

#include <chrono>
#include <memory>

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace prewarm::log {
namespace {

constexpr std::string_view level_names[] = {"debug", "info", "warn", "error"};

std::string timestamp() {
    const auto now =
        std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto milliseconds = now.time_since_epoch().count() % 1000;
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(now)), milliseconds);
}

std::string as_json(std::string_view level, std::string_view event, std::string_view message,
                    const Fields& fields) {
    boost::json::object line{
        {"ts", timestamp()}, {"level", level}, {"event", event}, {"msg", message}};
    for (const auto& field : fields) {
        std::visit([&](const auto& value) { line[field.name] = value; }, field.value);
    }
    return boost::json::serialize(line);
}

std::string as_text(std::string_view level, std::string_view event, std::string_view message,
                    const Fields& fields) {
    auto line = fmt::format("{} {:5} {}: {}", timestamp(), level, event, message);
    for (const auto& field : fields) {
        // As JSON, so that a line stays a line whatever a field holds.
        const auto text = std::visit(
            [](const auto& value) { return boost::json::serialize(boost::json::value(value)); },
            field.value);
        line += fmt::format(" {}={}", field.name, text);
    }
    return line;
}

Format& chosen_format() {
    static Format format = Format::json;
    return format;
}

spdlog::logger& sink() {
    static const auto logger = [] {
        auto made = std::make_shared<spdlog::logger>(
            "prewarm", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_pattern("%v");
        return made;
    }();
    return *logger;
}

spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warn:
            return spdlog::level::warn;
        case Level::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

}  // namespace

std::optional<Level> level_named(std::string_view name) {
    for (const auto level : {Level::debug, Level::info, Level::warn, Level::error}) {
        if (level_names[static_cast<std::size_t>(level)] == name) return level;
    }
    return std::nullopt;
}

std::optional<Format> format_named(std::string_view name) {
    if (name == "json") return Format::json;
    if (name == "text") return Format::text;
    return std::nullopt;
}

void configure(Level least, Format format) {
    chosen_format() = format;
    sink().set_level(spdlog_level(least));
}

void write(Level level, std::string_view event, std::string_view message, const Fields& fields) {
    const auto spdlog_one = spdlog_level(level);
    if (!sink().should_log(spdlog_one)) return;
    const auto name = level_names[static_cast<std::size_t>(level)];
    sink().log(spdlog_one, "{}",
               chosen_format() == Format::json ? as_json(name, event, message, fields)
                                               : as_text(name, event, message, fields));
}

}  // namespace prewarm::log
