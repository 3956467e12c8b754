#include "common/s3/signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/media.hpp"

namespace prewarm::s3 {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;

/// The examples of the Amazon S3 API reference, "Signature Calculations for the Authorization
/// Header" and "Authenticating Requests: Using Query Parameters".
class PublishedExample : public testing::Test {
protected:
    static constexpr std::string_view host = "examplebucket.s3.amazonaws.com";

    static Signer example_signer() {
        return Signer{{"AKIAIOSFODNN7EXAMPLE", Secret{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
                       "us-east-1"}};
    }

    static PlainRequest request(std::string method, std::string path) {
        return {.method = std::move(method),
                .path = std::move(path),
                .query = {},
                .headers = {{"host", std::string{host}}},
                .payload_sha256 = std::string{empty_payload}};
    }

    std::string authorization(PlainRequest plain) {
        for (const auto& [name, value] : signer.sign_headers(std::move(plain), time)) {
            if (name == "authorization") return value;
        }
        return {};
    }

    /// 24 May 2013, 00:00 UTC.
    std::chrono::system_clock::time_point time{1369353600s};
    Signer signer = example_signer();
};

TEST_F(PublishedExample, GetObjectWithRange) {
    auto get = request("GET", "/test.txt");
    get.headers.emplace_back("range", "bytes=0-9");
    EXPECT_EQ(authorization(get),
              "AWS4-HMAC-SHA256 "
              "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
              "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
              "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(PublishedExample, PutObject) {
    auto put = request("PUT", "/test$file.text");
    put.headers.emplace_back("date", "Fri, 24 May 2013 00:00:00 GMT");
    put.headers.emplace_back("x-amz-storage-class", "REDUCED_REDUNDANCY");
    put.payload_sha256 = sha256_of("Welcome to Amazon S3.").hex();
    EXPECT_THAT(
        authorization(put),
        EndsWith("SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
                 "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST_F(PublishedExample, GetBucketLifecycle) {
    auto get = request("GET", "/");
    get.query = {{"lifecycle", ""}};
    EXPECT_THAT(
        authorization(get),
        EndsWith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST_F(PublishedExample, ListObjects) {
    auto list = request("GET", "/");
    list.query = {{"prefix", "J"}, {"max-keys", "2"}};
    EXPECT_THAT(
        authorization(list),
        EndsWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST_F(PublishedExample, PresignedUrl) {
    EXPECT_EQ(signer.presign(request("GET", "/test.txt"), 86400s, time),
              "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
              "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
              "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
              "&X-Amz-Signature="
              "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_F(PublishedExample, CanonicalRequestOfGetObject) {
    auto get = request("GET", "/test.txt");
    get.headers.emplace_back("x-amz-date", "20130524T000000Z");
    get.headers.emplace_back("range", "bytes=0-9");
    get.headers.emplace_back("x-amz-content-sha256", empty_payload);
    EXPECT_EQ(sha256_of(canonical_request(get)).hex(),
              "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
}

TEST_F(PublishedExample, IsSignedWithTheKeyOfItsOwnDay) {
    const auto first = authorization(request("GET", "/test.txt"));
    time += 24h;
    const auto next_day = authorization(request("GET", "/test.txt"));
    signer = example_signer();  // One that never held the first day's key.
    EXPECT_EQ(authorization(request("GET", "/test.txt")), next_day);
    EXPECT_THAT(next_day, HasSubstr("/20130525/us-east-1/"));
    time -= 24h;
    EXPECT_EQ(authorization(request("GET", "/test.txt")), first);
}

TEST(SigningKey, IsThePublishedOne) {
    // "Examples of how to derive a signing key", AWS General Reference.
    const auto key =
        signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215", "us-east-1", "iam");
    EXPECT_EQ(sha256_from_bytes(key)->hex(),
              "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
}

TEST(Target, EncodesAwkwardKeysOnceAndKeepsTheirSlashes) {
    const auto target = [](std::string key) {
        return target_of({.method = "GET",
                          .path = "/bucket/" + std::move(key),
                          .query = {},
                          .headers = {},
                          .payload_sha256 = {}});
    };
    EXPECT_EQ(target("a b"), "/bucket/a%20b");
    EXPECT_EQ(target("a+b"), "/bucket/a%2Bb");
    EXPECT_EQ(target("100%"), "/bucket/100%25");
    EXPECT_EQ(target("a%20b"), "/bucket/a%2520b");
    EXPECT_EQ(target("k=v&w"), "/bucket/k%3Dv%26w");
    EXPECT_EQ(target("a//b"), "/bucket/a//b");
    EXPECT_EQ(target("a/./b"), "/bucket/a/./b");
    EXPECT_EQ(target("видео"), "/bucket/%D0%B2%D0%B8%D0%B4%D0%B5%D0%BE");
    EXPECT_EQ(target("!'()*$,;:@~"), "/bucket/%21%27%28%29%2A%24%2C%3B%3A%40~");
}

TEST(Target, SortsTheQueryByEncodedName) {
    EXPECT_EQ(target_of({.method = "GET",
                         .path = "/",
                         .query = {{"b", "2"}, {"a+", "x/y"}, {"b", "1"}, {"a", ""}},
                         .headers = {},
                         .payload_sha256 = {}}),
              "/?a=&a%2B=x%2Fy&b=1&b=2");
}

TEST(CanonicalRequest, TrimsHeadersAndJoinsThoseOfOneName) {
    const PlainRequest request{.method = "GET",
                               .path = "/",
                               .query = {},
                               .headers = {{"x-b", "  one   two "}, {"a", "1"}, {"x-b", "three"}},
                               .payload_sha256 = std::string{unsigned_payload}};
    EXPECT_EQ(canonical_request(request),
              "GET\n/\n\na:1\nx-b:one two,three\n\na;x-b\nUNSIGNED-PAYLOAD");
}

}  // namespace
}  // namespace prewarm::s3
