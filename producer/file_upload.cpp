#include "producer/file_upload.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "common/events/upload_event.hpp"
#include "common/probe/file_source.hpp"
#include "common/probe/probe.hpp"
#include "producer/event_line.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

constexpr int most_tries = 4;
constexpr std::chrono::milliseconds first_pause = 500ms;
constexpr std::chrono::milliseconds longest_pause = 30s;
constexpr auto look_up_time = 30s;
constexpr auto probe_time = 30s;
constexpr auto small_put_time = 60s;

/// A slow line is no reason to give up, a dead one is.
Deadline put_deadline(std::uint64_t bytes) {
    constexpr std::uint64_t least_bytes_a_second = 50'000;
    return deadline_in(60s + std::chrono::seconds{bytes / least_bytes_a_second});
}

bool may_pass(const Failure& failure) {
    return failure.kind == FailureKind::transient || failure.kind == FailureKind::throttled ||
           failure.kind == FailureKind::unavailable;
}

/// What `call()` ends with, tried again while that may help.
template <class Call>
auto patiently(Call call) -> decltype(call()) {
    auto pause = first_pause;
    for (int tried = 1;; ++tried) {
        auto result = co_await call();
        if (result || tried == most_tries || !may_pass(result.error())) co_return result;
        co_await sleep_for(std::min(result.error().retry_after.value_or(pause), longest_pause));
        pause *= 2;
    }
}

bool is_hopeless(const Failure& failure) {
    return failure.kind == FailureKind::unavailable || failure.kind == FailureKind::misconfigured;
}

bool moves_or_sounds(MediaKind kind) {
    return kind == MediaKind::video || kind == MediaKind::animation || kind == MediaKind::audio;
}

/// Nothing of a file that does not tell: it is uploaded all the same.
probe::Found found_in(const std::filesystem::path& path) {
    probe::FileSource file{path};
    const probe::Limits limits{.read_bytes = UINT64_MAX, .deadline = deadline_in(probe_time)};
    return probe::probe(file, limits).value_or(probe::Found{});
}

UploadedFile failed(UploadedFile file, Dependency dependency, const Failure& failure) {
    file.detail = failure.detail;
    if (is_hopeless(failure)) {
        file.hopeless = failure;
        file.dependency = dependency;
    }
    return file;
}

}  // namespace

std::string_view name_of(UploadResult result) {
    switch (result) {
        case UploadResult::failed:
            return "failed";
        case UploadResult::recorded:
            return "recorded";
        case UploadResult::published:
            return "published";
    }
    return "unknown";
}

FileUpload::FileUpload(BlockingPool& disk, s3::ObjectWriter& objects, MediaStore& store,
                       UploadPublisher& publisher, UploadTerms terms)
    : disk_{disk},
      objects_{objects},
      store_{store},
      publisher_{publisher},
      terms_{std::move(terms)} {}

Upload FileUpload::upload_of(const FoundFile& file, const ExaminedFile& examined) const {
    Upload upload;
    upload.event_id = events::new_event_id();
    upload.occurred_at = std::chrono::system_clock::now();
    upload.media = {.bot_slug = terms_.bot_slug,
                    .sha256 = examined.sha256,
                    .kind = terms_.kind.value_or(examined.kind)};
    upload.r2_bucket = terms_.bucket_in_event;
    upload.r2_key = object_key(terms_.key_prefix, file.path, examined);
    upload.bytes = examined.bytes;
    upload.mime_type = examined.mime_type;
    upload.file_name = event_file_name(file.path);
    upload.warmup_chat_id = terms_.warmup_chat_id;
    upload.cache_keys = terms_.cache_keys;
    upload.cache_tags = terms_.cache_tags;
    return upload;
}

/// Fills in the attributes. The thumbnail, if it has to be stored, is returned.
asio::awaitable<std::string> FileUpload::declare(Upload& upload, const FoundFile& file) {
    if (!moves_or_sounds(upload.media.kind)) co_return std::string{};
    auto found = co_await disk_.run([&] { return found_in(file.path); });
    upload.attributes = {.width = found.width,
                         .height = found.height,
                         .duration = found.duration,
                         .title = std::move(found.title),
                         .performer = std::move(found.performer)};
    if (upload.bytes <= analysed_up_to_bytes || found.thumbnail.empty()) co_return std::string{};
    upload.attributes.thumbnail_r2_key = upload.r2_key + ".thumb.jpg";
    co_return std::move(found.thumbnail);
}

Task<> FileUpload::put_thumbnail(const Upload& upload, std::string jpeg) {
    const s3::ObjectName object{.bucket = terms_.bucket, .key = upload.attributes.thumbnail_r2_key};
    co_return co_await patiently(
        [&] { return objects_.put(object, jpeg, "image/jpeg", deadline_in(small_put_time)); });
}

/// True when it was there. Its key holds its digest, so an object of the same size is the same.
Task<bool> FileUpload::put_unless_there(const FoundFile& file, const Upload& upload,
                                        OnSent on_sent) {
    const s3::ObjectName object{.bucket = terms_.bucket, .key = upload.r2_key};
    auto stored =
        co_await patiently([&] { return objects_.look_up(object, deadline_in(look_up_time)); });
    if (stored && stored->size_bytes == upload.bytes) co_return true;
    if (!stored && stored.error().kind != FailureKind::not_found) co_return stored.error();

    const s3::LocalFile local{.path = file.path,
                              .size_bytes = upload.bytes,
                              .sha256 = upload.media.sha256,
                              .on_sent = std::move(on_sent)};
    auto put = co_await patiently([&] {
        return objects_.put_file(object, local, upload.mime_type, put_deadline(upload.bytes));
    });
    if (!put) co_return put.error();
    co_return false;
}

asio::awaitable<UploadedFile> FileUpload::carry(FoundFile file, OnSent on_sent) {
    UploadedFile done{.path = file.path};
    const auto examined = co_await disk_.run([&] { return examine(file.path); });
    if (!examined) co_return failed(std::move(done), Dependency::storage, examined.error());
    auto described = upload_of(file, *examined);
    auto thumbnail = co_await declare(described, file);
    auto upload = checked(std::move(described));
    if (!upload) co_return failed(std::move(done), Dependency::storage, upload.error());
    done.upload = *upload;

    const auto was_there = co_await put_unless_there(file, *upload, std::move(on_sent));
    if (!was_there) co_return failed(std::move(done), Dependency::storage, was_there.error());
    done.object_was_there = *was_there;
    if (!thumbnail.empty()) {
        const auto put = co_await put_thumbnail(*upload, std::move(thumbnail));
        if (!put) co_return failed(std::move(done), Dependency::storage, put.error());
    }

    const auto status = co_await patiently(
        [&] { return store_.register_upload(*upload, events::encode_upload(*upload)); });
    if (!status) co_return failed(std::move(done), Dependency::database, status.error());
    done.was_ready = *status == MediaStatus::ready;
    done.result = UploadResult::recorded;

    const auto published = co_await publisher_.publish(*upload);
    if (!published) {
        done.detail = published.error().detail;
        co_return done;
    }
    done.result = UploadResult::published;
    // If this fails the service publishes the event once more, which does no harm.
    std::ignore = co_await store_.mark_published(upload->media, upload->event_id);
    co_return done;
}

}  // namespace prewarm::producer
