#include "consumer/management_url.hpp"

#include <charconv>
#include <string_view>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

#include "common/base/base64.hpp"

namespace prewarm {
namespace {

Failure wrong(std::string_view what) {
    return {FailureKind::misconfigured, "the management API's URL " + std::string{what} +
                                            "; it looks like http://user:password@host:15672"};
}

// Not by port_number(), which cuts 99999 to 34463.
bool is_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

}  // namespace

Result<std::optional<ManagementAddress>> parse_management_url(const Secret& url) {
    if (url.empty()) return std::optional<ManagementAddress>{};
    const auto parsed = boost::urls::parse_uri(url.reveal());
    if (!parsed) return wrong("cannot be read: " + parsed.error().message());
    boost::urls::url base{*parsed};
    if (base.scheme() != "http" && base.scheme() != "https")
        return wrong("must begin with http:// or https://");
    if (base.host_address().empty()) return wrong("names no host");
    if (base.has_port() && !is_port(base.port()))
        return wrong("has a port that is not within 1 and 65535");
    if (base.user().empty() || !base.has_password()) return wrong("needs a user and a password");
    if (base.has_query() || base.has_fragment())
        return wrong("ends in parameters (? or #), which are not supported");

    ManagementAddress address;
    address.authorization = Secret{"Basic " + base64(base.user() + ':' + base.password())};
    base.remove_userinfo();
    address.base_url = std::string{base.buffer()};
    while (address.base_url.ends_with('/'))
        address.base_url.pop_back();
    return address;
}

}  // namespace prewarm
