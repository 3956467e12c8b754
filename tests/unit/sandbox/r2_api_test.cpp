#include "sandbox/r2/r2_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/media.hpp"
#include "tests/support/run_to_end.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/unit/sandbox/requests.hpp"

namespace prewarm::sandbox {
namespace {

using testing::HasSubstr;

const s3::Credentials credentials{"the-key", Secret{"the-secret"}, "auto"};

struct Options {
    std::string body{};
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string payload_sha256{s3::unsigned_payload};
    bool breaks_off = false;
};

/// Requests are signed properly; what they ask differs.
class R2 : public testing::Test {
protected:
    http::Response ask(std::string method, std::string target, Options options = {}) {
        test::Asked asked{std::move(method), std::move(target)};
        asked.body.text = options.body;
        asked.body.breaks_off = options.breaks_off;
        asked.add_header("Host", "localhost");
        std::vector<s3::Header> signed_headers{{"host", "localhost"}};
        for (const auto& header : options.headers) {
            asked.add_header(header.first, header.second);
            if (header.first.starts_with("x-amz-")) signed_headers.push_back(header);
        }
        for (auto& [name, value] :
             s3::Signer{credentials}.sign_headers({.method = asked.method,
                                                   .path = asked.request.path,
                                                   .query = {},
                                                   .headers = signed_headers,
                                                   .payload_sha256 = options.payload_sha256},
                                                  std::chrono::system_clock::now()))
            asked.add_header(name, value);
        return prewarm::test::run_to_end(loop, api.answer(asked.request));
    }

    std::string body_of(http::Response& response) {
        if (const auto* text = std::get_if<std::string>(&response.body)) return *text;
        auto& streamed = std::get<http::StreamedBody>(response.body);
        std::string whole;
        while (whole.size() < streamed.length) {
            const auto bytes = prewarm::test::run_to_end(loop, streamed.next()).value();
            whole.append(bytes.data(), bytes.size());
        }
        return whole;
    }

    std::string code_of(http::Response response) {
        const auto text = body_of(response);
        const auto begin = text.find("<Code>") + 6;
        return text.substr(begin, text.find("</Code>") - begin);
    }

    static std::string header_of(const http::Response& response, std::string_view name) {
        for (const auto& [header, value] : response.headers) {
            if (header == name) return value;
        }
        return "";
    }

    asio::io_context loop;
    Stats stats;
    FaultMatcher faults;
    prewarm::test::TemporaryFolder folder;
    R2Api api{
        {.credentials = credentials, .buckets = {"media-production"}, .folder = folder.path()},
        stats,
        faults};
    const std::string path = "/media-production/a/b";
};

TEST_F(R2, GivesBackAnObjectWithWhatWasSaidOfIt) {
    const auto put =
        ask("PUT", path,
            {.body = "content", .headers = {{"Content-Type", "video/mp4"}, {"x-amz-meta-a", "1"}}});
    EXPECT_EQ(put.status, 200U);
    EXPECT_EQ(header_of(put, "ETag"), "\"9a0364b9e99bb480dd25e1f0284c8555\"");
    auto got = ask("GET", path);
    EXPECT_EQ(got.status, 200U);
    EXPECT_EQ(body_of(got), "content");
    EXPECT_EQ(header_of(got, "ETag"), header_of(put, "ETag"));
    EXPECT_EQ(header_of(got, "Content-Type"), "video/mp4");
    EXPECT_EQ(header_of(got, "x-amz-meta-a"), "1");
    EXPECT_THAT(header_of(got, "Last-Modified"), testing::EndsWith("GMT"));
}

TEST_F(R2, ReadsARange) {
    ask("PUT", path, {.body = "0123456789"});
    auto got = ask("GET", path, {.headers = {{"Range", "bytes=-3"}}});
    EXPECT_EQ(got.status, 206U);
    EXPECT_EQ(body_of(got), "789");
    EXPECT_EQ(header_of(got, "Content-Range"), "bytes 7-9/10");
    EXPECT_EQ(code_of(ask("GET", path, {.headers = {{"Range", "bytes=10-"}}})), "InvalidRange");
}

TEST_F(R2, ReadsOnlyTheVersionAskedFor) {
    const auto put = ask("PUT", path, {.body = "old"});
    const auto etag = header_of(put, "ETag");
    EXPECT_EQ(ask("GET", path, {.headers = {{"If-Match", etag}}}).status, 200U);
    EXPECT_EQ(ask("GET", path, {.headers = {{"If-None-Match", etag}}}).status, 304U);
    ask("PUT", path, {.body = "new"});
    EXPECT_EQ(code_of(ask("GET", path, {.headers = {{"If-Match", etag}}})), "PreconditionFailed");
}

TEST_F(R2, ReplacesNothingAgainstACondition) {
    ask("PUT", path, {.body = "old"});
    EXPECT_EQ(ask("PUT", path, {.body = "new", .headers = {{"If-None-Match", "*"}}}).status, 412U);
    auto got = ask("GET", path);
    EXPECT_EQ(body_of(got), "old");
}

TEST_F(R2, ForgetsADeletedObject) {
    ask("PUT", path, {.body = "content"});
    EXPECT_EQ(ask("DELETE", path).status, 204U);
    EXPECT_EQ(code_of(ask("GET", path)), "NoSuchKey");
    EXPECT_EQ(ask("DELETE", path).status, 204U);
}

TEST_F(R2, StoresNothingThatIsNotWhatWasSigned) {
    const auto payload = sha256_of("content").hex();
    EXPECT_EQ(ask("PUT", path, {.body = "content", .payload_sha256 = payload}).status, 200U);
    EXPECT_EQ(code_of(ask("PUT", path, {.body = "Content", .payload_sha256 = payload})),
              "XAmzContentSHA256Mismatch");
    auto got = ask("GET", path);
    EXPECT_EQ(body_of(got), "content");
}

TEST_F(R2, StoresNothingWhoseMd5IsAnother) {
    EXPECT_EQ(ask("PUT", path,
                  {.body = "content", .headers = {{"Content-MD5", "mgNkuembtIDdJeHwKEyFVQ=="}}})
                  .status,
              200U);
    EXPECT_EQ(
        code_of(ask("PUT", path,
                    {.body = "Content", .headers = {{"Content-MD5", "mgNkuembtIDdJeHwKEyFVQ=="}}})),
        "BadDigest");
}

TEST_F(R2, StoresNothingOfAnUploadThatBreaksOff) {
    ask("PUT", path, {.body = "old"});
    ask("PUT", path, {.body = "new", .breaks_off = true});
    EXPECT_EQ(stats.r2.aborted_uploads, 1U);
    auto got = ask("GET", path);
    EXPECT_EQ(body_of(got), "old");
}

TEST_F(R2, HasEmptyObjects) {
    ask("PUT", path);
    auto got = ask("GET", path);
    EXPECT_EQ(got.status, 200U);
    EXPECT_EQ(body_of(got), "");
}

TEST_F(R2, KnowsItsBucketsOnly) {
    EXPECT_EQ(code_of(ask("GET", "/other/key")), "NoSuchBucket");
    EXPECT_EQ(code_of(ask("GET", "/")), "NoSuchBucket");
}

TEST_F(R2, RefusesKeysThatAreTooLong) {
    EXPECT_EQ(ask("PUT", "/media-production/" + std::string(1024, 'k')).status, 200U);
    EXPECT_EQ(code_of(ask("PUT", "/media-production/" + std::string(1025, 'k'))),
              "KeyTooLongError");
}

TEST_F(R2, SaysWhatItDoesNotDo) {
    EXPECT_EQ(code_of(ask("GET", "/media-production")), "NotImplemented");
    EXPECT_EQ(code_of(ask("POST", path)), "MethodNotAllowed");
    EXPECT_EQ(code_of(ask("PUT", path, {.headers = {{"x-amz-copy-source", "/a/b"}}})),
              "NotImplemented");
    EXPECT_EQ(code_of(ask("PUT", path, {.payload_sha256 = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"})),
              "NotImplemented");
}

TEST_F(R2, DeniesWhatIsNotSigned) {
    test::Asked asked{"GET", path};
    auto response = prewarm::test::run_to_end(loop, api.answer(asked.request));
    EXPECT_EQ(response.status, 403U);
    EXPECT_EQ(code_of(std::move(response)), "AccessDenied");
}

TEST_F(R2, EscapesWhatItRepeatsInAnError) {
    auto response = ask("GET", "/media-production/<&>");
    EXPECT_THAT(body_of(response), HasSubstr("/media-production/&lt;&amp;&gt;"));
}

}  // namespace
}  // namespace prewarm::sandbox
