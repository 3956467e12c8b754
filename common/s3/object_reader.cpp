#include "common/s3/object_reader.hpp"

#include <algorithm>

#include "common/s3/error_body.hpp"
#include "common/s3/object_body.hpp"

namespace prewarm::s3 {

OpenObject::OpenObject(std::unique_ptr<Body> body) : body_{std::move(body)} {}
OpenObject::~OpenObject() = default;
OpenObject::OpenObject(OpenObject&&) noexcept = default;
OpenObject& OpenObject::operator=(OpenObject&&) noexcept = default;

std::uint64_t OpenObject::size_bytes() const {
    return body_->size_bytes();
}

std::uint64_t OpenObject::taken_bytes() const {
    return body_->taken_bytes();
}

const std::string& OpenObject::etag() const {
    return body_->etag();
}

std::chrono::microseconds OpenObject::first_byte() const {
    return body_->first_byte();
}

std::uint64_t OpenObject::resumes() const {
    return body_->resumes();
}

Task<> OpenObject::read_into(BytePipe& pipe) {
    return body_->read_into(pipe);
}

Task<std::string> OpenObject::read_all() {
    return body_->read_all();
}

http::ClientOptions reader_client_options() {
    http::ClientOptions options;
    options.stall = std::chrono::seconds{10};
    options.answer = std::chrono::seconds{15};
    return options;
}

ObjectReader::ObjectReader(http::Client& client, Endpoint& endpoint, ResumeLimits limits)
    : client_{client}, endpoint_{endpoint}, limits_{limits} {}

Task<OpenObject> ObjectReader::open(ObjectName object, Announced announced, Deadline deadline) {
    auto body = std::make_unique<OpenObject::Body>(client_, endpoint_, std::move(object), announced,
                                                   limits_, deadline);
    auto opened = co_await body->open();
    if (!opened) co_return opened.error();
    co_return OpenObject{std::move(body)};
}

Task<std::string> ObjectReader::read_range(ObjectName object, Version version, std::uint64_t first,
                                           std::size_t size, Deadline deadline) {
    auto request =
        endpoint_.request(http::Method::get, object, headers_for_range(version, first, size),
                          std::string{empty_payload}, deadline);
    const auto what = request.what;
    auto response = co_await client_.send(std::move(request), std::max(size, most_error_bytes));
    if (!response) co_return response.error();
    auto& [head, body] = *response;
    if (head.status != 206 && head.status != 200) co_return failure_of(head, body, what);
    auto is_it = is_range(head, version, first, size, what);
    if (!is_it) co_return is_it.error();
    if (body.size() != size) co_return Failure{FailureKind::transient, what + ": it ended early"};
    co_return std::move(body);
}

}  // namespace prewarm::s3
