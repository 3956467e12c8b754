#include "sandbox/r2/r2_api.hpp"

#include <algorithm>
#include <memory>

#include <boost/algorithm/hex.hpp>
#include <boost/algorithm/string/case_conv.hpp>
#include <fmt/format.h>

#include "common/base/base64.hpp"
#include "common/runtime/deadline.hpp"
#include "sandbox/digest.hpp"
#include "sandbox/r2/byte_range.hpp"
#include "sandbox/r2/conditions.hpp"
#include "sandbox/r2/harmed_object.hpp"
#include "sandbox/r2/signature_check.hpp"

namespace prewarm::sandbox {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t longest_key = 1024;
constexpr std::size_t chunk_bytes = 256UL * 1024;
constexpr std::uint64_t largest_object = 5ULL * 1024 * 1024 * 1024;

std::unexpected<S3Error> refuse(unsigned status, std::string_view code, std::string message) {
    return std::unexpected{S3Error{status, code, std::move(message)}};
}

/// Subresources and other requests of S3 that would be misunderstood as plain ones.
bool is_plain(const Request& request) {
    const auto is_known = [](const auto& parameter) {
        return parameter.first.starts_with("X-Amz-") || parameter.first == "x-id";
    };
    return std::ranges::all_of(request.query, is_known) && !request.header("x-amz-copy-source");
}

void describe(const ObjectInfo& info, Response& response) {
    response.headers = {{"ETag", info.etag},
                        {"Last-Modified", http::http_date(info.last_modified)},
                        {"Accept-Ranges", "bytes"}};
    if (!info.content_type.empty())
        response.headers.emplace_back("Content-Type", info.content_type);
    std::ranges::copy(info.metadata, std::back_inserter(response.headers));
}

http::StreamedBody body_of(StoredObject object, ByteRange range, std::uint64_t& bytes_sent) {
    struct Reading {
        StoredObject object;
        std::uint64_t offset;
        std::uint64_t end;
        std::vector<char> chunk;
    };
    auto reading = std::make_shared<Reading>(std::move(object), range.first, range.last + 1,
                                             std::vector<char>{});
    auto next = [reading, &bytes_sent]() -> Task<std::span<const char>> {
        const auto left = reading->end - reading->offset;
        reading->chunk.resize(std::min<std::uint64_t>(chunk_bytes, left));
        const auto size = reading->object.read(reading->offset, reading->chunk);
        reading->offset += size;
        bytes_sent += size;
        co_return std::span<const char>{reading->chunk.data(), size};
    };
    return {.length = range.size(), .next = std::move(next)};
}

}  // namespace

R2Api::R2Api(R2Options options, Stats& stats, FaultMatcher& faults)
    : options_{std::move(options)}, shelf_{options_.folder}, stats_{stats}, faults_{faults} {}

asio::awaitable<Response> R2Api::answer(Request& request) {
    const AtWork at_work{stats_.r2.at_once};
    ++stats_.r2.requests[std::string{request.method}];
    const auto fault = fault_of(request);
    if (fault && fault->hang.count() > 0) co_await sleep_for(fault->hang);
    if (fault && fault->break_off != BreakOff::no)
        co_return Response{.hang_up = http::HangUp::resets};
    S3Result<Response> result;
    if (fault && fault->status != 0) {
        result = refuse(fault->status, fault->code, fault->text);
    } else {
        result = co_await dispatch(request, fault ? &*fault : nullptr);
    }
    if (options_.latency.count() > 0) co_await sleep_for(options_.latency);
    auto response = result ? std::move(*result) : answer_of(result.error(), request.raw_path);
    ++stats_.r2.answers[response.status];
    co_return response;
}

/// Rules ask about an object's key and size, whatever is done to it.
std::optional<Fault> R2Api::fault_of(const Request& request) {
    if (!faults_.has_rules()) return std::nullopt;
    const auto name = name_of(request);
    if (!name) return std::nullopt;
    auto bytes = request.body->length();
    if (request.method != "PUT") {
        const auto object = shelf_.find(name->bucket, name->key);
        bytes = object ? std::optional{object->info().bytes} : std::nullopt;
    }
    return faults_.match(
        {.side = FaultSide::r2, .method = request.method, .key = name->key, .bytes = bytes});
}

asio::awaitable<S3Result<Response>> R2Api::dispatch(Request& request, const Fault* fault) {
    auto payload_sha256 =
        check_signature(request, options_.credentials, std::chrono::system_clock::now());
    if (!payload_sha256) co_return std::unexpected{payload_sha256.error()};
    auto name = name_of(request);
    if (!name) co_return std::unexpected{name.error()};
    if (!is_plain(request))
        co_return refuse(501, "NotImplemented", "The sandbox knows plain object requests only.");

    if (request.method == "PUT")
        co_return co_await put(request, std::move(*name), std::move(*payload_sha256));
    if (request.method == "GET" || request.method == "HEAD") co_return get(request, *name, fault);
    if (request.method == "DELETE") {
        shelf_.remove(name->bucket, name->key);
        co_return Response{.status = 204};
    }
    co_return refuse(405, "MethodNotAllowed",
                     "The specified method is not allowed against this resource.");
}

S3Result<R2Api::ObjectName> R2Api::name_of(const Request& request) const {
    const auto path = std::string_view{request.path}.substr(1);
    const auto slash = path.find('/');
    ObjectName name{std::string{path.substr(0, slash)}, {}};
    if (std::ranges::find(options_.buckets, name.bucket) == options_.buckets.end())
        return refuse(404, "NoSuchBucket", "The specified bucket does not exist.");
    if (slash != std::string_view::npos) name.key = path.substr(slash + 1);
    if (name.key.empty())
        return refuse(501, "NotImplemented", "The sandbox knows no requests for a whole bucket.");
    if (name.key.size() > longest_key)
        return refuse(400, "KeyTooLongError", "Your key is too long");
    return name;
}

asio::awaitable<S3Result<Response>> R2Api::put(Request& request, ObjectName name,
                                               std::string payload_sha256) {
    const bool is_checked = payload_sha256 != s3::unsigned_payload;
    if (is_checked && !sha256_from_hex(payload_sha256))
        co_return refuse(501, "NotImplemented", "The sandbox knows no chunked signatures.");
    const auto length = request.body->length();
    if (!length)
        co_return refuse(411, "MissingContentLength",
                         "You must provide the Content-Length header.");
    if (*length > largest_object)
        co_return refuse(400, "EntityTooLarge", "Your proposed upload is too large.");
    const auto old = shelf_.find(name.bucket, name.key);
    if (unmet_condition(request, old ? std::optional{old->info().etag} : std::nullopt))
        co_return refuse(412, "PreconditionFailed", "A precondition does not hold.");

    auto incoming = shelf_.receive();
    auto md5 = Digest::md5();
    auto sha256 = Digest::sha256();
    ObjectInfo info;
    while (true) {
        const auto bytes = co_await request.body->read_some();
        if (!bytes) {
            ++stats_.r2.aborted_uploads;
            co_return refuse(400, "IncompleteBody", bytes.error().detail);
        }
        if (bytes->empty()) break;
        md5.update(*bytes);
        if (is_checked) sha256.update(*bytes);
        incoming.write(*bytes);
        info.bytes += bytes->size();
        stats_.r2.bytes_received += bytes->size();
    }
    if (is_checked && sha256.hex() != payload_sha256)
        co_return refuse(400, "XAmzContentSHA256Mismatch",
                         "The provided 'x-amz-content-sha256' header does not match what was "
                         "computed.");
    const auto digest = md5.raw();
    const auto content_md5 = request.header("content-md5");
    if (content_md5 && *content_md5 != base64(digest))
        co_return refuse(400, "BadDigest", "The Content-MD5 you specified did not match.");

    info.etag = fmt::format("\"{}\"", boost::algorithm::hex_lower(digest));
    info.content_type = request.header("content-type").value_or("application/octet-stream");
    info.last_modified = std::chrono::system_clock::now();
    for (const auto& [header, value] : request.headers) {
        auto lower = boost::algorithm::to_lower_copy(std::string{header});
        if (lower.starts_with("x-amz-meta-")) info.metadata.emplace_back(std::move(lower), value);
    }
    shelf_.put(name.bucket, name.key, incoming, info);
    co_return Response{.headers = {{"ETag", info.etag}}};
}

S3Result<Response> R2Api::get(const Request& request, const ObjectName& name, const Fault* fault) {
    auto object = shelf_.find(name.bucket, name.key);
    if (!object) return refuse(404, "NoSuchKey", "The specified key does not exist.");
    auto info = object->info();
    if (fault != nullptr && fault->change) info.etag = changed_etag(info.etag);
    Response response;
    describe(info, response);
    if (const auto status = unmet_condition(request, info.etag)) {
        if (*status == 412)
            return refuse(412, "PreconditionFailed", "A precondition does not hold.");
        response.status = *status;
        return response;
    }
    const auto range = byte_range_of(request.header("range"), info.bytes);
    if (std::holds_alternative<NotSatisfiable>(range))
        return refuse(416, "InvalidRange", "The requested range is not satisfiable");
    if (const auto* part = std::get_if<ByteRange>(&range)) {
        response.status = 206;
        response.headers.emplace_back(
            "Content-Range", fmt::format("bytes {}-{}/{}", part->first, part->last, info.bytes));
    }
    if (info.bytes == 0) return response;
    const auto* part = std::get_if<ByteRange>(&range);
    const auto sent = part ? *part : ByteRange{0, info.bytes - 1};
    response.body = body_of(std::move(*object), sent, stats_.r2.bytes_sent);
    return fault == nullptr ? std::move(response) : harmed(std::move(response), *fault, sent.first);
}

}  // namespace prewarm::sandbox
