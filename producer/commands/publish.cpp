#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/events/upload_event.hpp"
#include "common/http/client.hpp"
#include "common/s3/object_reader.hpp"
#include "producer/arguments.hpp"
#include "producer/commands/commands.hpp"
#include "producer/config.hpp"
#include "producer/event_line.hpp"
#include "producer/line_publisher.hpp"
#include "producer/object_digest.hpp"
#include "producer/output.hpp"
#include "producer/runner.hpp"
#include "producer/upload_publisher.hpp"

namespace prewarm::producer {
namespace {

struct PublishOptions {
    const CLI::App* command = nullptr;  ///< Knows what was given.
    std::string from;
    Upload event;  ///< What the options say directly.
    std::string kind;
    std::string sha256;
    double duration_seconds = 0;
};

/// The event that the options describe; what they lack is a problem for `settings`.
Upload described_event(const PublishOptions& options, config::Settings& settings) {
    const auto require = [&](std::string_view option, const std::string& value) {
        settings.require(!value.empty(),
                         fmt::format("{} is required, unless --from is given", option));
    };
    require("--bot", options.event.media.bot_slug);
    require("--r2-key", options.event.r2_key);
    require("--kind", options.kind);

    Upload upload = options.event;
    upload.event_id = events::new_event_id();
    upload.occurred_at = std::chrono::system_clock::now();
    upload.media.sha256 = sha256_from_hex(options.sha256).value_or(Sha256{});
    upload.media.kind = media_kind_named(options.kind).value_or(MediaKind::document);
    upload.r2_bucket = bucket_in_event(settings, options.event.r2_bucket);
    upload.attributes.duration = std::chrono::round<std::chrono::milliseconds>(
        std::chrono::duration<double>{options.duration_seconds});
    return upload;
}

/// Adds the digest and the size, which only the object itself tells.
asio::awaitable<void> read_object(const StorageConfig& storage, Upload& upload) {
    http::Client client{co_await asio::this_coro::executor, {}};
    auto endpoint = *s3::Endpoint::at(storage.endpoint, storage.credentials);
    s3::ObjectReader reader{client, endpoint};
    s3::ObjectName object{.bucket = upload.r2_bucket.empty() ? storage.bucket : upload.r2_bucket,
                          .key = upload.r2_key};
    const auto digest = co_await digest_of(reader, std::move(object), {.bytes = upload.bytes});
    if (!digest) throw command_error(Dependency::storage, digest.error());
    upload.media.sha256 = digest->sha256;
    upload.bytes = digest->bytes;
}

void print_published(const Upload& upload, const Invocation& invocation) {
    const auto& media = upload.media;
    if (invocation.json) {
        print_json(invocation.out, {{"result", "published"},
                                    {"event_id", upload.event_id},
                                    {"bot_slug", media.bot_slug},
                                    {"kind", name_of(media.kind)},
                                    {"sha256", media.sha256.hex()},
                                    {"bytes", upload.bytes},
                                    {"key", upload.r2_key}});
        return;
    }
    Table table{{"BOT", "KIND", "SHA256", "BYTES", "KEY", "EVENT", "RESULT"}};
    table.add({media.bot_slug, std::string{name_of(media.kind)}, media.sha256.hex(),
               upload.bytes == 0 ? "unknown" : std::to_string(upload.bytes), shown(upload.r2_key),
               upload.event_id, "published"});
    table.print(invocation.out);
}

asio::awaitable<ExitStatus> publish_one(Upload upload, std::optional<StorageConfig> storage,
                                        UploadPublisher& publisher, const Invocation& invocation) {
    if (storage) co_await read_object(*storage, upload);
    const auto event = checked(std::move(upload));
    if (!event) throw CommandError{ExitStatus::wrong_usage, event.error().detail};
    const auto connected = co_await publisher.connect();
    if (!connected) throw command_error(Dependency::broker, connected.error());
    const auto published = co_await publisher.publish(*event);
    if (!published) throw command_error(Dependency::broker, published.error());
    co_await publisher.close();
    print_published(*event, invocation);
    co_return ExitStatus::success;
}

asio::awaitable<ExitStatus> publish_all(LinePublisher& lines, UploadPublisher& publisher) {
    const auto connected = co_await publisher.connect();
    if (!connected) throw command_error(Dependency::broker, connected.error());
    co_await lines.run();
    co_await publisher.close();
    co_return ExitStatus::success;
}

ExitStatus publish_described(const PublishOptions& options, const Invocation& invocation) {
    config::Settings settings{invocation.environment};
    const auto broker = broker_config(settings);
    auto upload = described_event(options, settings);
    std::optional<StorageConfig> storage;
    if (options.sha256.empty()) storage = storage_config(settings);
    settings.throw_if_wrong();

    Runner runner;
    UploadPublisher publisher{runner, broker, "publish"};
    return run_to_end(runner,
                      publish_one(std::move(upload), std::move(storage), publisher, invocation));
}

ExitStatus publish_lines(const PublishOptions& options, Invocation& invocation) {
    config::Settings settings{invocation.environment};
    const auto broker = broker_config(settings);
    for (const auto* option : options.command->get_options()) {
        const auto name = option->get_name();
        settings.require(option->count() == 0 || name == "--from" || name == "--json",
                         fmt::format("{} describes one event; --from brings its own", name));
    }
    settings.throw_if_wrong();

    Runner runner;
    auto source =
        LineSource::open(runner.executor(), options.from, LinePublisher::longest_line_bytes);
    if (!source) {
        throw CommandError{
            ExitStatus::wrong_usage,
            fmt::format("--from {}: {}", shown(options.from), source.error().detail)};
    }
    UploadPublisher publisher{runner, broker, "publish"};
    LinePublisher lines{runner, *source, publisher, invocation};
    try {
        run_to_end(runner, publish_all(lines, publisher));
    } catch (const CommandError&) {
        lines.tell_where_it_stopped();
        lines.report();
        throw;
    }
    return lines.report();
}

ExitStatus publish(const PublishOptions& options, Invocation& invocation) {
    return options.from.empty() ? publish_described(options, invocation)
                                : publish_lines(options, invocation);
}

void add_attributes(CLI::App& command, PublishOptions& options) {
    auto& attributes = options.event.attributes;
    command.add_option("--width", attributes.width, "Pixels");
    command.add_option("--height", attributes.height, "Pixels");
    command.add_option("--duration", options.duration_seconds, "Seconds, such as 12.5")
        ->check(CLI::NonNegativeNumber);
    command.add_option("--title", attributes.title, "Of audio");
    command.add_option("--performer", attributes.performer, "Of audio");
    command.add_flag("--supports-streaming", attributes.supports_streaming,
                     "The video can be watched while it loads");
    command.add_option("--thumbnail-r2-key", attributes.thumbnail_r2_key,
                       "A JPEG of at most 320x320 and 200 kB, in the same bucket");
}

}  // namespace

void add_publish(CLI::App& program, Request& request) {
    auto options = std::make_shared<PublishOptions>();
    auto& command = add_command(
        program, request, "publish", "Publish upload events for objects that are in R2",
        "Either one event, described by options, or with --from one a line of protobuf JSON\n"
        "(prewarm.v1.MediaUploaded), in which event_id and occurred_at may be left out. A line\n"
        "that is wrong is reported and the others are published; exit 1 if there was one.\n"
        "Without --sha256 the object is read once, to find its digest and size.\n"
        "Needs RABBITMQ_URL; to read the object also R2_ENDPOINT, R2_BUCKET, R2_ACCESS_KEY_ID\n"
        "and R2_SECRET_ACCESS_KEY.",
        [options](Invocation& invocation) { return publish(*options, invocation); });
    auto& event = options->event;
    add_bot(command, "--bot", event.media.bot_slug, "The slug of the bot that shall send it");
    command.add_option("--r2-key", event.r2_key, "The object's key");
    add_kind(command, "--kind", options->kind, "As what to send it");
    add_sha256(command, "--sha256", options->sha256);
    command.add_option("--bytes", event.bytes, "The object's size");
    command.add_option("--mime", event.mime_type, "Such as video/mp4");
    command.add_option("--file-name", event.file_name, "As users shall see it");
    add_event_options(command, event.r2_bucket, event.warmup_chat_id, event.cache_keys,
                      event.cache_tags);
    add_attributes(command, *options);

    command
        .add_option("--from", options->from,
                    "A file of events, or - for stdin; instead of what describes one")
        ->type_name("FILE");
    options->command = &command;
}

}  // namespace prewarm::producer
