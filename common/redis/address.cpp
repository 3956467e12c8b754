#include "common/redis/address.hpp"

#include <charconv>
#include <optional>
#include <string_view>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace prewarm::redis {
namespace {

std::optional<unsigned> number_in(std::string_view text, unsigned most) {
    unsigned number = 0;
    const auto* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || at != end || number > most) return std::nullopt;
    return number;
}

}  // namespace

Result<Address> parse_url(const Secret& url) {
    const Failure wrong{FailureKind::misconfigured,
                        "the URL of Redis cannot be read: expected "
                        "redis://[user:password@]host[:6379][/0], or rediss:// for TLS"};
    const auto parsed = boost::urls::parse_uri(url.reveal());
    if (!parsed) return wrong;
    const boost::urls::url_view view{*parsed};
    const bool tls = view.scheme() == "rediss";
    if ((!tls && view.scheme() != "redis") || view.encoded_host().empty() || view.has_query() ||
        view.has_fragment()) {
        return wrong;
    }

    Address address;
    address.tls = tls;
    address.host = view.host_address();
    address.port = view.has_port() ? std::string{view.port()} : "6379";
    if (number_in(address.port, 65535).value_or(0) == 0) return wrong;
    address.user = view.user();
    address.password = Secret{view.password()};
    if (!address.user.empty() && address.password.empty()) return wrong;

    std::string_view path{view.encoded_path()};
    if (path.starts_with('/')) path.remove_prefix(1);
    if (!path.empty()) {
        const auto database = number_in(path, 1'000'000);
        if (!database) return wrong;
        address.database = *database;
    }
    return address;
}

}  // namespace prewarm::redis
