#include "sandbox/plan/command.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "common/base/text.hpp"
#include "sandbox/plan/plan.hpp"
#include "sandbox/telegram/form.hpp"

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;

constexpr int done = 0;
constexpr int misused = 2;

struct Arguments {
    PlanInput input{.media = 0, .sizes = {}, .limits = {}};
    std::string sizes_file;
    unsigned answer_ms = 500;
    bool local = false;
    bool as_json = false;
};

/// One size in bytes a line, none over `most`.
Result<std::vector<std::uint64_t>> read_sizes(const std::string& path, std::uint64_t most) {
    const auto wrong = [](std::string detail) {
        return Failure{FailureKind::misconfigured, std::move(detail)};
    };
    std::ifstream file{path};
    if (!file) return wrong(std::strerror(errno));
    std::vector<std::uint64_t> sizes;
    for (std::string line; std::getline(file, line);) {
        std::uint64_t size = 0;
        const auto* const end = line.data() + line.size();
        const auto [stop, error] = std::from_chars(line.data(), end, size);
        const auto number = sizes.size() + 1;
        if (error != std::errc{} || stop != end) {
            return wrong(fmt::format("line {} is no size in bytes, such as 120000: `{}`", number,
                                     printable(line, 50)));
        }
        if (size > most) {
            return wrong(
                fmt::format("line {}: {} bytes are over what Telegram takes: {}, or {} "
                            "with --local",
                            number, size, most_body_bytes, most_local_body_bytes));
        }
        sizes.push_back(size);
    }
    if (sizes.empty()) return wrong("is empty: it is to have a size in bytes in each line");
    return sizes;
}

std::string rate(double per_minute) {
    if (per_minute < 10) return fmt::format("{:.0f} an hour", per_minute * 60);
    return fmt::format("{:.0f} a minute", per_minute);
}

/// What CLI11's own say of a text that is no number is its limits.
CLI::Validator number_within(double least, double most, const std::string& such_as) {
    return {[=](const std::string& text) {
                double number = 0;
                const auto* const end = text.data() + text.size();
                const auto [stop, error] = std::from_chars(text.data(), end, number);
                const bool fine =
                    error == std::errc{} && stop == end && number >= least && number <= most;
                return fine ? std::string{}
                            : fmt::format("must be a number from {} to {}, such as {}; not `{}`",
                                          least, most, such_as, printable(text, 50));
            },
            {}};
}

std::string spoken(std::chrono::milliseconds time) {
    const auto seconds = std::chrono::round<std::chrono::seconds>(time).count();
    if (seconds < 120) return fmt::format("{} s", seconds);
    if (seconds < 7200) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
}

/// What to do about it.
std::string_view meaning_of(const std::string& limit) {
    if (limit == "group") return "messages a minute to each storage chat: more chats help";
    if (limit == "chat") return "messages a second to each storage chat: more chats help";
    if (limit == "bot") return "messages a second of the bot: nothing but another bot helps";
    if (limit == "same_size") return "uploads of exactly the same size have to wait for each other";
    if (limit == "slots")
        return "uploads at once: more instances or MEDIA_PREWARM_CONCURRENCY help";
    if (limit == "in_flight" || limit == "bytes")
        return "uploads that Telegram takes at once from a bot";
    return "";
}

int tell(const Arguments& arguments, const Plan& made) {
    const auto seconds = std::chrono::duration<double>{made.time}.count();
    const double per_minute =
        seconds > 0 ? static_cast<double>(arguments.input.media) / seconds * 60 : 0;
    if (arguments.as_json) {
        json::object waited;
        for (const auto& [limit, share] : made.waited)
            waited[limit] = share;
        fmt::print("{}\n", json::serialize(json::object{{"seconds", seconds},
                                                        {"media_per_minute", per_minute},
                                                        {"binding_limit", made.binding},
                                                        {"waited_share", std::move(waited)}}));
        return done;
    }
    fmt::print("{} media: {}, {}\n", arguments.input.media, spoken(made.time), rate(per_minute));
    if (made.binding.empty()) {
        fmt::print("no limit is in the way\n");
    } else {
        fmt::print("the limit that binds: {}\n", made.binding);
    }
    for (const auto& [limit, share] : made.waited)
        fmt::print("  {:3.0f} % of the time some wait for {:<9} ({})\n", share * 100, limit,
                   meaning_of(limit));
    return done;
}

int run(const Arguments& arguments) {
    auto made_of = arguments;
    auto& input = made_of.input;
    if (!arguments.sizes_file.empty()) {
        auto sizes = read_sizes(arguments.sizes_file,
                                arguments.local ? most_local_body_bytes : most_body_bytes);
        if (!sizes) {
            fmt::print(stderr, "prewarm-sandbox plan: --sizes {}: {}\n", arguments.sizes_file,
                       sizes.error().detail);
            return misused;
        }
        input.sizes = std::move(*sizes);
        if (input.media == 0) input.media = input.sizes.size();
    } else if (input.media == 0) {
        fmt::print(stderr,
                   "prewarm-sandbox plan: --media says how many, or --sizes which: see --help\n");
        return misused;
    } else {
        input.sizes = {120'000};
        input.limits.spaces_equal_sizes = false;  // Nobody's files are all of one size.
    }
    input.answer_time = std::chrono::milliseconds{arguments.answer_ms};
    if (arguments.local) input.limits.spaces_equal_sizes = false;
    input.limits.most_in_flight = budget::most_in_flight(input.limits.bot_per_second);
    return tell(made_of, plan(input));
}

}  // namespace

std::function<int()> add_plan_command(CLI::App& app) {
    const auto arguments = std::make_shared<Arguments>();
    auto& input = arguments->input;
    auto* command = app.add_subcommand(
        "plan", "How long so many media take, and which limit binds, by the service's own rules");
    command->option_defaults()->always_capture_default();
    command->add_option("--media", input.media, "How many [default: as many as --sizes has]")
        ->always_capture_default(false)
        ->check(number_within(1, 1e7, "10000"));
    command->add_option("--chats", input.chats, "Storage chats of each bot")
        ->check(number_within(1, 1e4, "40"));
    command->add_option("--bots", input.bots, "Who get equal parts of the media")
        ->check(number_within(1, 1e3, "1"));
    command
        ->add_option("--sizes", arguments->sizes_file,
                     "File of sizes in bytes, one a line, used again and again [default: 120000, "
                     "all a little different]")
        ->always_capture_default(false);
    command->add_flag("--private-chats", input.private_chats,
                      "The storage chats are private ones, not groups or channels");
    command
        ->add_option("--at-once", input.at_once,
                     "Uploads at once: instances times MEDIA_PREWARM_CONCURRENCY")
        ->check(number_within(1, 1e5, "32"));
    command->add_option("--answer-ms", arguments->answer_ms, "Telegram's answer after the body");
    command->add_option("--bytes-per-second", input.bytes_per_second, "Of one upload")
        ->check(number_within(1, 1e12, "10000000"));
    command->add_option("--rate-bot", input.limits.bot_per_second, "Messages a second of a bot")
        ->check(number_within(0.001, 1e6, "30"));
    command->add_option("--rate-chat", input.limits.chat_per_second, "Messages a second to a chat")
        ->check(number_within(0.001, 1e6, "1"));
    command
        ->add_option("--rate-group", input.limits.group_per_minute,
                     "Messages a minute to a group or channel")
        ->check(number_within(1, 1e6, "20"));
    command->add_flag("--local", arguments->local, "A Bot API server of one's own with --local");
    command->add_flag("--json", arguments->as_json, "One JSON object");
    return [arguments] { return run(*arguments); };
}

}  // namespace prewarm::sandbox
