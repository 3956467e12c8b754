#include "sandbox/plan/command.hpp"

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "sandbox/plan/plan.hpp"

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

/// One size in bytes a line; empty when a line is something else.
std::vector<std::uint64_t> read_sizes(const std::string& path) {
    std::ifstream file{path};
    std::vector<std::uint64_t> sizes;
    for (std::uint64_t size = 0; file >> size;)
        sizes.push_back(size);
    if (!file.eof()) sizes.clear();
    return sizes;
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
    fmt::print("{} media take {}: {:.0f} a minute\n", arguments.input.media, spoken(made.time),
               per_minute);
    if (made.binding.empty()) {
        fmt::print("no limit is in the way\n");
    } else {
        fmt::print("the limit that binds: {} ({})\n", made.binding, meaning_of(made.binding));
    }
    for (const auto& [limit, share] : made.waited)
        fmt::print("  waited for {:<10} {:3.0f} % of the time\n", limit, share * 100);
    return done;
}

int run(const Arguments& arguments) {
    auto made_of = arguments;
    auto& input = made_of.input;
    if (!arguments.sizes_file.empty()) {
        input.sizes = read_sizes(arguments.sizes_file);
        if (input.sizes.empty()) {
            fmt::print(stderr,
                       "prewarm-sandbox plan: --sizes {}: not a file of sizes in bytes, one a "
                       "line, such as 120000\n",
                       arguments.sizes_file);
            return misused;
        }
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
    command->add_option("--media", input.media, "How many")
        ->required()
        ->always_capture_default(false)
        ->check(CLI::Range(1, 10'000'000));
    command->add_option("--chats", input.chats, "Storage chats of each bot")
        ->check(CLI::Range(1, 10'000));
    command->add_option("--bots", input.bots, "Who get equal parts of the media")
        ->check(CLI::Range(1, 1000));
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
        ->check(CLI::Range(1, 100'000));
    command->add_option("--answer-ms", arguments->answer_ms, "Telegram's answer after the body");
    command->add_option("--bytes-per-second", input.bytes_per_second, "Of one upload")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40U));
    command->add_option("--rate-bot", input.limits.bot_per_second, "Messages a second of a bot")
        ->check(CLI::PositiveNumber);
    command->add_option("--rate-chat", input.limits.chat_per_second, "Messages a second to a chat")
        ->check(CLI::PositiveNumber);
    command
        ->add_option("--rate-group", input.limits.group_per_minute,
                     "Messages a minute to a group or channel")
        ->check(CLI::Range(1.0, 1e6));
    command->add_flag("--local", arguments->local, "A Bot API server of one's own with --local");
    command->add_flag("--json", arguments->as_json, "One JSON object");
    return [arguments] { return run(*arguments); };
}

}  // namespace prewarm::sandbox
