/// A local file becomes an object, a row and an event.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/upload.hpp"
#include "common/media_store/media_store.hpp"
#include "common/runtime/blocking_pool.hpp"
#include "common/s3/object_writer.hpp"
#include "producer/command.hpp"
#include "producer/local_file.hpp"
#include "producer/upload_publisher.hpp"

namespace prewarm::producer {

/// What all files of one command have in common.
struct UploadTerms {
    std::string bot_slug;
    std::optional<MediaKind> kind;  ///< Otherwise each file's own.
    std::string key_prefix;
    std::string bucket;           ///< Where the objects go.
    std::string bucket_in_event;  ///< Empty for the service's default one.
    std::int64_t warmup_chat_id = 0;
    std::vector<std::string> cache_keys;
    std::vector<std::string> cache_tags;
};

enum class UploadResult : std::uint8_t {
    failed,     ///< Nothing that the service would know of.
    recorded,   ///< The row is written (the outbox), and the event is not published.
    published,  ///< The broker has the event.
};
std::string_view name_of(UploadResult result);

struct UploadedFile {
    std::filesystem::path path;
    Upload upload;  ///< As far as it got: an empty key means that the file could not be read.
    UploadResult result = UploadResult::failed;
    bool object_was_there = false;      ///< It was not sent again.
    bool was_ready = false;             ///< The media has a file_id already.
    std::string detail{};               ///< Why it is not published.
    std::optional<Failure> hopeless{};  ///< With it no other file can fare better, because of
    Dependency dependency = Dependency::storage;  ///< this one.
};

/// One loop's thread; files are read on `disk`'s. All that it refers to must outlive it.
class FileUpload {
public:
    using OnSent = std::function<void(std::uint64_t bytes)>;

    FileUpload(BlockingPool& disk, s3::ObjectWriter& objects, MediaStore& store,
               UploadPublisher& publisher, UploadTerms terms);

    /// Any number at once. Can be repeated: an object of the same key and size is not sent again.
    /// `on_sent` is told how much of the file has gone out; less again when it is sent again.
    ///
    /// What a video, an animation or an audio says of itself goes into its event. If Telegram would
    /// make no thumbnail of it, that is stored beside it.
    asio::awaitable<UploadedFile> carry(FoundFile file, OnSent on_sent);

private:
    Upload upload_of(const FoundFile& file, const ExaminedFile& examined) const;
    asio::awaitable<std::string> declare(Upload& upload, const FoundFile& file);
    Task<> put_thumbnail(const Upload& upload, std::string jpeg);
    Task<bool> put_unless_there(const FoundFile& file, const Upload& upload, OnSent on_sent);

    BlockingPool& disk_;
    s3::ObjectWriter& objects_;
    MediaStore& store_;
    UploadPublisher& publisher_;
    UploadTerms terms_;
};

}  // namespace prewarm::producer
