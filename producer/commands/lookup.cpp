#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "common/media_store/media_store.hpp"
#include "producer/arguments.hpp"
#include "producer/commands/commands.hpp"
#include "producer/config.hpp"
#include "producer/output.hpp"
#include "producer/runner.hpp"

namespace prewarm::producer {
namespace {

struct LookupOptions {
    std::string bot;
    std::string sha256;
    std::string kind;
};

boost::json::object ready_fields(const ReadyMedia& ready) {
    return {{"status", "ready"},
            {"file_id", ready.file_id},
            {"file_unique_id", ready.file_unique_id},
            {"actual_kind", name_of(ready.actual_kind)},
            {"weak", ready.weak},
            {"version", ready.version},
            {"bytes", ready.bytes},
            {"storage_chat_id", ready.storage_chat_id},
            {"storage_message_id", ready.storage_message_id},
            {"attempts", ready.attempts}};
}

boost::json::object fields_of(const std::optional<MediaRow>& row) {
    if (!row) return {{"status", "unknown"}};
    if (row->ready) return ready_fields(*row->ready);
    boost::json::object fields{{"status", name_of(row->status)},
                               {"failed_attempts", row->retry_count}};
    if (!row->last_error.empty()) fields["last_error"] = row->last_error;
    if (row->next_retry_at) fields["next_retry_at"] = shown_time(*row->next_retry_at);
    return fields;
}

std::string text_of(const boost::json::value& value) {
    if (value.is_string()) return shown(value.as_string());
    if (value.is_bool()) return value.as_bool() ? "yes" : "no";
    return boost::json::serialize(value);
}

std::string hint(const std::optional<MediaRow>& row) {
    if (!row) return "no upload event for this media has been seen; see `prewarmctl upload`";
    switch (row->status) {
        case MediaStatus::warming:
            return "it is not ready yet; `prewarmctl events` tells when it is";
        case MediaStatus::failed:
            return "it will not get ready by itself; mend the cause and send its event again";
        case MediaStatus::ready:
            return {};
    }
    return {};
}

asio::awaitable<ExitStatus> find_and_tell(MediaStore& store, MediaKey media,
                                          const Invocation& invocation) {
    const auto row = co_await store.find(std::move(media));
    if (!row) throw command_error(Dependency::database, row.error());
    const auto fields = fields_of(*row);
    if (invocation.json) {
        print_json(invocation.out, fields);
    } else {
        Table table{{"FIELD", "VALUE"}};
        for (const auto& [name, value] : fields)
            table.add({std::string{name}, text_of(value)});
        table.print(invocation.out);
    }
    if (*row && (*row)->ready) co_return ExitStatus::success;
    tell(invocation.err, hint(*row));
    co_return ExitStatus::work_failed;
}

ExitStatus lookup(const LookupOptions& options, const Invocation& invocation) {
    config::Settings settings{invocation.environment};
    const auto database = database_config(settings);
    settings.throw_if_wrong();

    postgres::Pool pool{database};
    MediaStore store{pool};
    Runner runner;
    MediaKey media{.bot_slug = options.bot,
                   .sha256 = *sha256_from_hex(options.sha256),
                   .kind = *media_kind_named(options.kind)};
    return run_to_end(runner, find_and_tell(store, std::move(media), invocation));
}

}  // namespace

void add_lookup(CLI::App& program, Request& request) {
    auto options = std::make_shared<LookupOptions>();
    auto& command =
        add_command(program, request, "lookup", "Show the file_id of a media",
                    "Exit 1 unless it is ready. Needs DATABASE_URL.",
                    [options](Invocation& invocation) { return lookup(*options, invocation); });
    add_bot(command, "bot", options->bot, "The bot's slug")->required();
    add_sha256(command, "sha256", options->sha256)->required();
    add_kind(command, "kind", options->kind, "As it was asked for")->required();
}

}  // namespace prewarm::producer
