#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>

#include "common/media_store/media_store.hpp"
#include "producer/arguments.hpp"
#include "producer/commands/commands.hpp"
#include "producer/config.hpp"
#include "producer/output.hpp"
#include "producer/runner.hpp"

namespace prewarm::producer {
namespace {

struct RefusedOptions {
    std::string bot;
    std::string sha256;
    std::string kind;
    std::string file_id;
};

std::string_view word_for(Renewal renewal) {
    switch (renewal) {
        case Renewal::begun:
            return "begun";
        case Renewal::has_another:
            return "has_another";
        case Renewal::not_ready:
            return "not_ready";
        case Renewal::has_no_event:
            return "has_no_event";
        case Renewal::unknown:
            return "unknown";
    }
    return "";
}

std::string_view explained(Renewal renewal) {
    switch (renewal) {
        case Renewal::begun:
            return "it is warmed again; `prewarmctl events` tells when it has a new file_id";
        case Renewal::has_another:
            return "it has another file_id by now; `prewarmctl lookup` shows it";
        case Renewal::not_ready:
            return "it is not ready, so nobody can have been given a file_id of it lately";
        case Renewal::has_no_event:
            return "its upload event is not on record; upload or publish it again";
        case Renewal::unknown:
            return "no upload event for this media has been seen; see `prewarmctl upload`";
    }
    return "";
}

asio::awaitable<ExitStatus> renew_and_tell(MediaStore& store, MediaKey media, std::string file_id,
                                           const Invocation& invocation) {
    const auto renewal = co_await store.renew_file_id(std::move(media), std::move(file_id));
    if (!renewal) throw command_error(Dependency::database, renewal.error());
    if (invocation.json) {
        print_json(invocation.out, boost::json::object{{"result", word_for(*renewal)}});
    }
    tell(invocation.err, std::string{explained(*renewal)});
    co_return *renewal == Renewal::begun || *renewal == Renewal::has_another
        ? ExitStatus::success
        : ExitStatus::work_failed;
}

ExitStatus refused(const RefusedOptions& options, const Invocation& invocation) {
    config::Settings settings{invocation.environment};
    const auto database = database_config(settings);
    settings.throw_if_wrong();

    postgres::Pool pool{database};
    MediaStore store{pool};
    Runner runner;
    MediaKey media{.bot_slug = options.bot,
                   .sha256 = *sha256_from_hex(options.sha256),
                   .kind = *media_kind_named(options.kind)};
    return run_to_end(runner, renew_and_tell(store, std::move(media), options.file_id, invocation));
}

}  // namespace

void add_refused(CLI::App& program, Request& request) {
    auto options = std::make_shared<RefusedOptions>();
    auto& command = add_command(
        program, request, "refused", "Telegram refused the file_id of a media: get a new one",
        "It is warmed again, and gets a new version. Exit 1 if there is nothing to be renewed. "
        "Needs DATABASE_URL.",
        [options](Invocation& invocation) { return refused(*options, invocation); });
    add_bot(command, "bot", options->bot, "The bot's slug")->required();
    add_sha256(command, "sha256", options->sha256)->required();
    add_kind(command, "kind", options->kind, "As it was asked for")->required();
    command.add_option("--file-id", options->file_id,
                       "The one that was refused: nothing is done if there is another by now");
}

}  // namespace prewarm::producer
