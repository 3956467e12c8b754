#include "sandbox/r2/signature_check.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sandbox/requests.hpp"

namespace prewarm::sandbox {
namespace {

using namespace std::chrono_literals;

const s3::Credentials credentials{"the-key", Secret{"the-secret"}, "auto"};
const std::chrono::system_clock::time_point now{1795258381s};

/// What the check says: an error's code, or the payload that was signed.
std::string verdict(const http::Request& request, std::chrono::system_clock::time_point time) {
    const auto checked = check_signature(request, credentials, time);
    return checked ? *checked : std::string{checked.error().code};
}

/// Signed properly; each test spoils one thing.
class SignedHeaders : public testing::Test {
protected:
    SignedHeaders() { sign(credentials); }

    void sign(const s3::Credentials& signing) {
        asked.headers.clear();
        asked.add_header("Host", "localhost:8081");
        s3::PlainRequest plain{.method = "PUT",
                               .path = asked.request.path,
                               .query = {{"x-id", "PutObject"}},
                               .headers = {{"host", "localhost:8081"}},
                               .payload_sha256 = std::string{s3::unsigned_payload}};
        for (auto& [name, value] : s3::Signer{signing}.sign_headers(plain, now))
            asked.add_header(name, value);
        asked.request.query = plain.query;
    }

    void replace(std::string_view header, std::string value) {
        std::erase_if(asked.headers, [&](const auto& one) { return one.first == header; });
        asked.add_header(std::string{header}, std::move(value));
    }

    std::string authorization() const {
        return std::string{asked.request.header("authorization").value()};
    }

    std::string verdict(std::chrono::system_clock::duration later = 0s) const {
        return sandbox::verdict(asked.request, now + later);
    }

    test::Asked asked{"PUT", "/media-production/a b+c/\xC3\xA4//d%"};
};

TEST_F(SignedHeaders, AreAcceptedWithTheirPayload) {
    EXPECT_EQ(verdict(), s3::unsigned_payload);
}

TEST_F(SignedHeaders, AreAcceptedWithinFifteenMinutes) {
    EXPECT_EQ(verdict(15min), s3::unsigned_payload);
    EXPECT_EQ(verdict(-15min), s3::unsigned_payload);
    EXPECT_EQ(verdict(15min + 1s), "RequestTimeTooSkewed");
    EXPECT_EQ(verdict(-15min - 1s), "RequestTimeTooSkewed");
}

TEST_F(SignedHeaders, AreRefusedWhenMadeWithAnotherSecret) {
    sign({"the-key", Secret{"another"}, "auto"});
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(SignedHeaders, AreRefusedForAnUnknownKey) {
    sign({"another-key", Secret{"the-secret"}, "auto"});
    EXPECT_EQ(verdict(), "InvalidAccessKeyId");
}

TEST_F(SignedHeaders, AreRefusedForAnotherRegion) {
    sign({"the-key", Secret{"the-secret"}, "us-east-1"});
    EXPECT_EQ(verdict(), "AuthorizationHeaderMalformed");
}

TEST_F(SignedHeaders, AreRefusedForAnotherPath) {
    asked.request.path += "x";
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(SignedHeaders, AreRefusedForAPathMadeNormal) {
    asked.request.path = "/media-production/a b+c/\xC3\xA4/d%";
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(SignedHeaders, AreRefusedForAnotherMethod) {
    asked.request.method = "GET";
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(SignedHeaders, AreRefusedForAnotherQuery) {
    asked.request.query.emplace_back("acl", "");
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(SignedHeaders, AreRefusedForAnotherHost) {
    replace("Host", "localhost:8082");
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(SignedHeaders, AreRefusedForAnotherPayload) {
    replace("x-amz-content-sha256", std::string{s3::empty_payload});
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(SignedHeaders, AreRefusedForAnotherTimeOfDay) {
    auto time = s3::amz_date(now + 1min);
    replace("x-amz-date", time);
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(SignedHeaders, AreRefusedForAnotherDay) {
    replace("x-amz-date", s3::amz_date(now + 24h));
    EXPECT_EQ(verdict(24h), "AccessDenied");
}

TEST_F(SignedHeaders, AreRefusedWithAnAmzHeaderThatIsNotSigned) {
    asked.add_header("X-Amz-Meta-Colour", "red");
    EXPECT_EQ(verdict(), "AccessDenied");
}

TEST_F(SignedHeaders, AreRefusedWhenTheHostIsNotAmongThem) {
    auto text = authorization();
    text.replace(text.find("host;"), 5, "");
    replace("authorization", text);
    EXPECT_EQ(verdict(), "AccessDenied");
}

TEST_F(SignedHeaders, AreRefusedWithATruncatedSignature) {
    auto text = authorization();
    text.pop_back();
    replace("authorization", text);
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(SignedHeaders, AreRefusedWithoutADate) {
    const auto text = authorization();
    std::erase_if(asked.headers, [](const auto& one) { return one.first == "x-amz-date"; });
    replace("authorization", text);
    EXPECT_EQ(verdict(), "AccessDenied");
}

TEST_F(SignedHeaders, AreRefusedWithAMalformedDate) {
    for (const auto* const date : {"", "now", "20261121T1053Z", "20261121T105301", "2026-11-21"}) {
        replace("x-amz-date", date);
        EXPECT_EQ(verdict(), "AccessDenied") << date;
    }
}

TEST_F(SignedHeaders, AreRefusedWhenMalformed) {
    for (const auto* const text :
         {"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 ,,=",
          "AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host, Signature=0",
          "AWS4-HMAC-SHA256 Credential=the-key/20261121/auto/s3/aws4_request",
          "AWS4-HMAC-SHA256 Credential, SignedHeaders, Signature"}) {
        replace("authorization", text);
        EXPECT_EQ(verdict(), "AuthorizationHeaderMalformed") << text;
    }
    replace("authorization", "Bearer token");
    EXPECT_EQ(verdict(), "InvalidArgument");
}

TEST(Unsigned, IsDenied) {
    test::Asked asked{"GET", "/media-production/a"};
    EXPECT_EQ(verdict(asked.request, now), "AccessDenied");
}

/// A presigned GET, valid for an hour; each test spoils one thing.
class Presigned : public testing::Test {
protected:
    Presigned() {
        asked.add_header("Host", "localhost:8081");
        const auto target =
            s3::Signer{credentials}.presign({.method = "GET",
                                             .path = asked.request.path,
                                             .query = {},
                                             .headers = {{"host", "localhost:8081"}},
                                             .payload_sha256 = {}},
                                            1h, now);
        asked.request.query = http::parse_form(target.substr(target.find('?') + 1)).value();
    }

    void replace(std::string_view parameter, std::string value) {
        for (auto& [name, text] : asked.request.query) {
            if (name == parameter) text = value;
        }
    }

    std::string verdict(std::chrono::system_clock::duration later = 0s) const {
        return sandbox::verdict(asked.request, now + later);
    }

    test::Asked asked{"GET", "/media-production/a b"};
};

TEST_F(Presigned, IsAcceptedUntilItExpires) {
    EXPECT_EQ(verdict(), s3::unsigned_payload);
    EXPECT_EQ(verdict(1h), s3::unsigned_payload);
    EXPECT_EQ(verdict(1h + 1s), "AccessDenied");
}

TEST_F(Presigned, IsRefusedBeforeItsTime) {
    EXPECT_EQ(verdict(-15min), s3::unsigned_payload);
    EXPECT_EQ(verdict(-15min - 1s), "AccessDenied");
}

TEST_F(Presigned, IsRefusedForAnotherPathOrHost) {
    asked.request.path += "x";
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(Presigned, IsRefusedWithALongerLife) {
    replace("X-Amz-Expires", "3601");
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

TEST_F(Presigned, IsRefusedWithALifeThatCannotBe) {
    for (const auto* const life : {"0", "-1", "604801", "", "x", "1x"}) {
        replace("X-Amz-Expires", life);
        EXPECT_EQ(verdict(), "AuthorizationQueryParametersError") << life;
    }
}

TEST_F(Presigned, IsRefusedWithAnotherParameterAdded) {
    asked.request.query.emplace_back("versionId", "1");
    EXPECT_EQ(verdict(), "SignatureDoesNotMatch");
}

}  // namespace
}  // namespace prewarm::sandbox
