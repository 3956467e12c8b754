#include <algorithm>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/http/client.hpp"
#include "common/postgres/migrate.hpp"
#include "producer/arguments.hpp"
#include "producer/commands/commands.hpp"
#include "producer/config.hpp"
#include "producer/file_upload.hpp"
#include "producer/output.hpp"
#include "producer/progress.hpp"
#include "producer/runner.hpp"
#include "producer/side_by_side.hpp"
#include "producer/upload_report.hpp"

namespace prewarm::producer {
namespace {

struct UploadOptions {
    std::vector<std::string> paths;
    std::string bot;
    std::string kind;
    std::string prefix;
    std::string bucket;
    std::size_t concurrency = 8;
    std::int64_t chat = 0;
    std::vector<std::string> cache_keys;
    std::vector<std::string> cache_tags;
};

struct UploadConfig {
    BrokerConfig broker;
    postgres::PoolOptions database;
    StorageConfig storage;
    UploadTerms terms;
};

UploadConfig load(const UploadOptions& options, const config::Environment& environment) {
    config::Settings settings{environment};
    UploadConfig config;
    config.broker = broker_config(settings);
    config.database = database_config(settings);
    config.storage = storage_config(settings);
    config.terms = {.bot_slug = options.bot,
                    .kind = media_kind_named(options.kind),
                    .key_prefix = options.prefix,
                    .bucket = options.bucket.empty() ? config.storage.bucket : options.bucket,
                    .bucket_in_event = bucket_in_event(settings, options.bucket),
                    .warmup_chat_id = options.chat,
                    .cache_keys = options.cache_keys,
                    .cache_tags = options.cache_tags};
    settings.throw_if_wrong();
    return config;
}

/// The whole command: several workers, which take one file after the other.
class UploadRun {
public:
    UploadRun(UploadConfig config, FoundFiles found, std::size_t concurrency,
              Invocation& invocation);

    ExitStatus run();

private:
    asio::awaitable<ExitStatus> upload_all();
    asio::awaitable<void> work();
    void take(UploadedFile file);
    ExitStatus report(bool interrupted) const;

    FoundFiles found_;
    std::size_t concurrency_;
    Invocation& invocation_;
    std::size_t next_ = 0;
    std::vector<UploadedFile> done_;
    std::optional<CommandError> hopeless_;
    Progress progress_;

    Runner runner_;
    BlockingPool disk_{
        std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, concurrency_)};
    http::Client client_{runner_.executor(), {}};
    s3::Endpoint endpoint_;
    s3::ObjectWriter objects_{client_, endpoint_};
    postgres::Pool pool_;
    MediaStore store_{pool_};
    UploadPublisher publisher_;
    FileUpload upload_;
};

UploadRun::UploadRun(UploadConfig config, FoundFiles found, std::size_t concurrency,
                     Invocation& invocation)
    : found_{std::move(found)},
      concurrency_{concurrency},
      invocation_{invocation},
      endpoint_{*s3::Endpoint::at(config.storage.endpoint, config.storage.credentials)},
      pool_{config.database},
      publisher_{runner_, config.broker, "upload"},
      upload_{disk_, objects_, store_, publisher_, std::move(config.terms)} {
    progress_.files = found_.files.size();
    for (const auto& file : found_.files)
        progress_.bytes += file.bytes;
}

ExitStatus UploadRun::run() {
    const auto status = runner_.run(upload_all());
    if (invocation_.err_is_terminal) erase_progress(invocation_.err);
    return report(!status);
}

asio::awaitable<ExitStatus> UploadRun::upload_all() {
    const auto current = co_await postgres::schema_is_current(pool_);
    if (!current) throw command_error(Dependency::database, current.error());
    // Without a broker the rows are the outbox.
    std::ignore = co_await publisher_.connect();

    if (invocation_.err_is_terminal)
        runner_.beside().spawn(draw_progress(progress_, invocation_.err));
    std::vector<asio::awaitable<void>> workers;
    for (std::size_t worker = 0; worker < concurrency_; ++worker)
        workers.push_back(work());
    co_await side_by_side(std::move(workers));
    co_await publisher_.close();
    co_return ExitStatus::success;
}

asio::awaitable<void> UploadRun::work() {
    while (next_ < found_.files.size() && !hopeless_) {
        const auto file = found_.files[next_++];
        std::uint64_t counted_bytes = 0;
        const auto count_up_to = [&](std::uint64_t bytes) {
            // A file that is sent again counts from its start again.
            progress_.bytes_done += bytes;
            progress_.bytes_done -= std::exchange(counted_bytes, bytes);
        };
        take(co_await upload_.carry(file, count_up_to));
        count_up_to(file.bytes);
        ++progress_.files_done;
    }
}

void UploadRun::take(UploadedFile file) {
    if (invocation_.json) print_json(invocation_.out, json_of(file));
    if (file.hopeless && !hopeless_) hopeless_ = command_error(file.dependency, *file.hopeless);
    done_.push_back(std::move(file));
}

ExitStatus UploadRun::report(bool interrupted) const {
    if (!invocation_.json) print_table(done_, invocation_.out);
    print_summary(done_, found_.problems, invocation_.err);
    const auto untried = found_.files.size() - done_.size();
    if (untried > 0) {
        const auto some = counted(untried, "file was", "files were");
        if (interrupted)
            throw CommandError{ExitStatus::work_failed, "interrupted: " + some + " not finished"};
        throw CommandError{hopeless_->status(), some + " not tried, because " + hopeless_->what()};
    }
    const bool complete =
        !interrupted && found_.problems.empty() &&
        std::ranges::find(done_, UploadResult::failed, &UploadedFile::result) == done_.end();
    return complete ? ExitStatus::success : ExitStatus::work_failed;
}

ExitStatus upload(const UploadOptions& options, Invocation& invocation) {
    auto config = load(options, invocation.environment);
    auto found = find_files(options.paths);
    const auto concurrency =
        std::min(options.concurrency, std::max<std::size_t>(found.files.size(), 1));
    UploadRun run{std::move(config), std::move(found), concurrency, invocation};
    return run.run();
}

constexpr auto details =
    "An object's key is PREFIX, its SHA-256 and the file's extension, so equal files share one;\n"
    "what is there already is not sent again, and the command can be repeated.\n"
    "The kind is that of the content: JPEG, PNG, WebP: photo (over 10 MiB: document); WebP with\n"
    "a longer side of exactly 512 pixels, up to 512 KiB: sticker; MP4: video; GIF: animation;\n"
    "MP3, M4A: audio; Opus in Ogg: voice; all else: document. Use --kind for the others.\n"
    "A video's, animation's or audio's size, length, title and performer go into its event, and a\n"
    "thumbnail of one above 10 MB, which Telegram does not look into, into R2 as KEY.thumb.jpg.\n"
    "If RabbitMQ is away the rows are written all the same: the consumers publish them later.\n"
    "\n"
    "Needs DATABASE_URL, R2_ENDPOINT, R2_BUCKET, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY and\n"
    "RABBITMQ_URL.";

}  // namespace

void add_upload(CLI::App& program, Request& request) {
    auto options = std::make_shared<UploadOptions>();
    auto& command = add_command(
        program, request, "upload", "Put files into R2, record them and publish their events",
        details, [options](Invocation& invocation) { return upload(*options, invocation); });
    command
        .add_option("paths", options->paths,
                    "Files, and directories with all that is in them but hidden files")
        ->required()
        ->type_name("PATH");
    add_bot(command, "--bot", options->bot, "The slug of the bot that shall send them")->required();
    add_kind(command, "--kind", options->kind, "As what to send them");
    command.add_option("--prefix", options->prefix, "Before each object's key, such as media/");
    command.add_option("--concurrency", options->concurrency, "Files at once")
        ->check(CLI::Range(1, 64))
        ->type_name("N")
        ->capture_default_str();
    add_event_options(command, options->bucket, options->chat, options->cache_keys,
                      options->cache_tags);
}

}  // namespace prewarm::producer
