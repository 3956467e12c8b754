#include "sandbox/r2/object_shelf.hpp"

#include <array>
#include <bit>

#include <boost/json.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "common/base/media.hpp"

// A file holds the object's bytes, then what is known of it as JSON, then that JSON's length in
// eight bytes: one file, so that one rename replaces both.

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;
using boost::beast::file_posix;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr std::string_view incoming_prefix = "incoming-";

void check(const error_code& error) {
    if (error) throw boost::system::system_error{error, "the sandbox's object folder"};
}

std::array<char, 8> bytes_of(std::uint64_t number) {
    return std::bit_cast<std::array<char, 8>>(number);
}

std::string text_of(const ObjectInfo& info) {
    json::object metadata;
    for (const auto& [name, value] : info.metadata)
        metadata[name] = value;
    const auto since_epoch = info.last_modified.time_since_epoch();
    return json::serialize(json::object{
        {"etag", info.etag},
        {"content_type", info.content_type},
        {"last_modified_ms", std::chrono::duration_cast<milliseconds>(since_epoch).count()},
        {"metadata", std::move(metadata)}});
}

ObjectInfo info_of(std::string_view text, std::uint64_t bytes) {
    const auto value = json::parse({text.data(), text.size()});
    const auto& object = value.as_object();
    ObjectInfo info{.bytes = bytes,
                    .etag = json::value_to<std::string>(object.at("etag")),
                    .content_type = json::value_to<std::string>(object.at("content_type")),
                    .metadata = {},
                    .last_modified = system_clock::time_point{
                        milliseconds{object.at("last_modified_ms").as_int64()}}};
    for (const auto& one : object.at("metadata").as_object())
        info.metadata.emplace_back(one.key(), json::value_to<std::string>(one.value()));
    return info;
}

std::size_t read_at(file_posix& file, std::uint64_t offset, std::span<char> into) {
    error_code error;
    file.seek(offset, error);
    check(error);
    std::size_t total = 0;
    while (total < into.size()) {
        const auto size = file.read(into.data() + total, into.size() - total, error);
        check(error);
        if (size == 0) break;
        total += size;
    }
    return total;
}

}  // namespace

std::size_t StoredObject::read(std::uint64_t offset, std::span<char> into) {
    return read_at(file_, offset, into);
}

ObjectShelf::Incoming::Incoming(std::filesystem::path path) : path_{std::move(path)} {
    error_code error;
    file_.open(path_.c_str(), boost::beast::file_mode::write, error);
    check(error);
}

ObjectShelf::Incoming::~Incoming() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove(path_, ignored);
}

void ObjectShelf::Incoming::write(std::span<const char> bytes) {
    error_code error;
    while (!bytes.empty()) {
        const auto size = file_.write(bytes.data(), bytes.size(), error);
        check(error);
        bytes = bytes.subspan(size);
    }
}

ObjectShelf::ObjectShelf(std::filesystem::path folder) : folder_{std::move(folder)} {
    std::filesystem::create_directories(folder_);
    for (const auto& entry : std::filesystem::directory_iterator{folder_}) {
        if (entry.path().filename().string().starts_with(incoming_prefix))
            std::filesystem::remove(entry.path());
    }
}

ObjectShelf::Incoming ObjectShelf::receive() {
    return Incoming{folder_ / fmt::format("{}{}", incoming_prefix, ++received_)};
}

void ObjectShelf::put(std::string_view bucket, std::string_view key, Incoming& incoming,
                      const ObjectInfo& info) {
    const auto text = text_of(info);
    incoming.write(text);
    incoming.write(bytes_of(text.size()));
    error_code error;
    incoming.file_.close(error);
    check(error);
    std::filesystem::rename(incoming.path_, path_of(bucket, key));
    incoming.path_.clear();
}

std::optional<StoredObject> ObjectShelf::find(std::string_view bucket, std::string_view key) const {
    file_posix file;
    error_code error;
    file.open(path_of(bucket, key).c_str(), boost::beast::file_mode::scan, error);
    if (error == boost::system::errc::no_such_file_or_directory) return std::nullopt;
    check(error);
    const auto total = file.size(error);
    check(error);
    std::array<char, 8> length{};
    read_at(file, total - length.size(), length);
    const auto text_bytes = std::bit_cast<std::uint64_t>(length);
    const auto bytes = total - length.size() - text_bytes;
    std::string text(text_bytes, '\0');
    read_at(file, bytes, text);
    return StoredObject{info_of(text, bytes), std::move(file)};
}

void ObjectShelf::remove(std::string_view bucket, std::string_view key) {
    std::filesystem::remove(path_of(bucket, key));
}

/// A key may be anything, a file name may not: so a file is named after the key's hash.
std::filesystem::path ObjectShelf::path_of(std::string_view bucket, std::string_view key) const {
    return folder_ / sha256_of(fmt::format("{}/{}", bucket, key)).hex();
}

}  // namespace prewarm::sandbox
