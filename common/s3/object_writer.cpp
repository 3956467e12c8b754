#include "common/s3/object_writer.hpp"

#include <fstream>
#include <memory>

#include "common/s3/error_body.hpp"

namespace prewarm::s3 {
namespace {

/// A file that tells where its reader is.
class WatchedFile : public std::istream {
public:
    WatchedFile(const std::filesystem::path& path, std::function<void(std::uint64_t)> on_sent)
        : std::istream{nullptr}, buffer_{std::move(on_sent)} {
        rdbuf(&buffer_);
        if (buffer_.open(path, std::ios::in | std::ios::binary) == nullptr) setstate(failbit);
    }

private:
    class Buffer : public std::filebuf {
    public:
        explicit Buffer(std::function<void(std::uint64_t)> on_sent)
            : on_sent_{std::move(on_sent)} {}

    protected:
        std::streamsize xsgetn(char* into, std::streamsize size) override {
            const auto got = std::filebuf::xsgetn(into, size);
            tell(at_ + got);
            return got;
        }
        pos_type seekpos(pos_type position, std::ios_base::openmode mode) override {
            const auto reached = std::filebuf::seekpos(position, mode);
            if (reached != pos_type{off_type{-1}}) tell(static_cast<std::streamoff>(reached));
            return reached;
        }

    private:
        void tell(std::streamoff at) {
            at_ = at;
            if (on_sent_) on_sent_(static_cast<std::uint64_t>(at));
        }

        std::function<void(std::uint64_t)> on_sent_;
        std::streamoff at_ = 0;
    };

    Buffer buffer_;
};

}  // namespace

ObjectWriter::ObjectWriter(http::Client& client, Endpoint& endpoint)
    : client_{client}, endpoint_{endpoint} {}

Task<> ObjectWriter::put(ObjectName object, std::string bytes, std::string content_type,
                         Deadline deadline) {
    auto sha256 = sha256_of(bytes).hex();
    co_return co_await put_content(std::move(object), std::move(bytes), std::move(sha256),
                                   std::move(content_type), deadline);
}

Task<> ObjectWriter::put_file(ObjectName object, LocalFile file, std::string content_type,
                              Deadline deadline) {
    auto opened = std::make_shared<WatchedFile>(file.path, std::move(file.on_sent));
    if (!*opened)
        co_return Failure{FailureKind::not_found, file.path.string() + ": cannot be opened"};
    co_return co_await put_content(std::move(object),
                                   http::FileBytes{std::move(opened), file.size_bytes},
                                   file.sha256.hex(), std::move(content_type), deadline);
}

Task<> ObjectWriter::put_content(ObjectName object, http::Content content, std::string sha256,
                                 std::string content_type, Deadline deadline) {
    std::vector<Header> headers;
    if (!content_type.empty()) headers.emplace_back("content-type", std::move(content_type));
    auto request = endpoint_.request(http::Method::put, object, std::move(headers),
                                     std::move(sha256), deadline);
    request.body = std::move(content);
    const auto what = request.what;
    auto response = co_await client_.send(std::move(request), most_error_bytes);
    if (!response) co_return response.error();
    if (response->head.status != 200 && response->head.status != 201)
        co_return failure_of(response->head, response->body, what);
    co_return Result<>{};
}

Task<StoredObject> ObjectWriter::look_up(ObjectName object, Deadline deadline) {
    auto request =
        endpoint_.request(http::Method::head, object, {}, std::string{empty_payload}, deadline);
    const auto what = request.what;
    auto response = co_await client_.send(std::move(request), most_error_bytes);
    if (!response) co_return response.error();
    const auto& head = response->head;
    if (head.status != 200) co_return failure_of(head, response->body, what);
    co_return StoredObject{.size_bytes = head.content_length().value_or(0),
                           .etag = std::string{head.header("etag").value_or("")},
                           .content_type = std::string{head.header("content-type").value_or("")}};
}

}  // namespace prewarm::s3
