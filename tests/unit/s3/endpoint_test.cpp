#include "common/s3/endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::s3 {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;

http::ClientRequest get(std::string_view url, ObjectName object) {
    auto endpoint = Endpoint::at(url, {"id", Secret{"secret"}});
    if (!endpoint) throw std::runtime_error{endpoint.error().detail};
    return endpoint->request(http::Method::get, object, {}, std::string{empty_payload},
                             deadline_in(std::chrono::seconds{1}));
}

TEST(Endpoint, AddressesObjectsPathStyle) {
    EXPECT_EQ(get("https://a.example", {"b", "k"}).url.reveal(), "https://a.example/b/k");
    EXPECT_EQ(get("https://a.example/", {"b", "k"}).url.reveal(), "https://a.example/b/k");
    EXPECT_EQ(get("http://127.0.0.1:9000", {"b", "x y//z"}).url.reveal(),
              "http://127.0.0.1:9000/b/x%20y//z");
    EXPECT_EQ(get("http://[::1]:9000/s3/", {"b", "/k"}).url.reveal(), "http://[::1]:9000/s3/b//k");
    EXPECT_EQ(get("https://a.example:443", {"b", "k"}).url.reveal(), "https://a.example/b/k");
}

TEST(Endpoint, LeavesTheHostHeaderToTheClient) {
    const auto request = get("https://a.example", {"b", "k"});
    EXPECT_THAT(request.headers, Not(Contains(Key("host"))));
    EXPECT_THAT(request.headers, Contains(Key("authorization")));
    EXPECT_THAT(request.headers, Contains(Key("x-amz-date")));
    EXPECT_THAT(request.headers, Contains(Key("x-amz-content-sha256")));
}

TEST(Endpoint, NamesTheObjectAndNoSecretInFailures) {
    EXPECT_EQ(get("https://a.example", {"b", "k"}).what, "GET b/k");
}

TEST(Endpoint, IsNotMadeOfWhatIsNoServersAddress) {
    for (const auto* url : {"", "a.example", "ftp://a.example", "https://", "https://u:p@a.example",
                            "https://a.example/?x=1", "https://a.example/#f"}) {
        const auto endpoint = Endpoint::at(url, {"id", Secret{"secret"}});
        ASSERT_FALSE(endpoint) << url;
        EXPECT_EQ(endpoint.error().kind, FailureKind::misconfigured);
        EXPECT_THAT(endpoint.error().detail, Not(HasSubstr("u:p")));
    }
}

}  // namespace
}  // namespace prewarm::s3
