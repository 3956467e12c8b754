#include "common/amqp/broker_url.hpp"

#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace prewarm::amqp {
namespace {

constexpr std::uint16_t tcp_port = 5672;
constexpr std::uint16_t tls_port = 5671;
constexpr std::string_view example = "amqp://user:password@host:5672/vhost";

/// Never with the URL itself: it holds a password.
Failure wrong(std::string_view what) {
    return {FailureKind::misconfigured,
            "a broker's URL " + std::string{what} + "; it looks like " + std::string{example}};
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    const auto begin = text.find_first_not_of(blank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

/// The first URL, cut from `list`. A comma that no scheme follows belongs to a password.
std::string_view cut_first(std::string_view& list) {
    for (auto comma = list.find(','); comma != std::string_view::npos;
         comma = list.find(',', comma + 1)) {
        const auto rest = trimmed(list.substr(comma + 1));
        if (!rest.empty() && !rest.starts_with("amqp://") && !rest.starts_with("amqps://"))
            continue;
        return trimmed(std::exchange(list, rest).substr(0, comma));
    }
    return trimmed(std::exchange(list, {}));
}

Result<BrokerAddress> parse_one(std::string_view text) {
    const auto parsed = boost::urls::parse_uri(text);
    if (!parsed) return wrong("cannot be read: " + parsed.error().message());
    const boost::urls::url_view url = *parsed;

    BrokerAddress address;
    if (url.scheme() != "amqp" && url.scheme() != "amqps")
        return wrong("must begin with amqp:// or amqps://");
    address.tls = url.scheme() == "amqps";
    address.port = address.tls ? tls_port : tcp_port;

    address.host = url.host_address();
    if (address.host.empty()) return wrong("names no host");
    if (address.host.contains(',')) return wrong("holds two hosts: write each as a URL of its own");
    if (url.has_port() && !url.port().empty()) {
        // Not by port_number(), which cuts 99999 to 34463.
        const std::string_view port = url.port();
        const auto read = std::from_chars(port.data(), port.data() + port.size(), address.port);
        if (read.ec != std::errc{} || address.port == 0)
            return wrong("has a port that is not within 1 and 65535");
    }
    if (url.has_userinfo()) {
        address.user = url.user();
        address.password = Secret{url.has_password() ? url.password() : std::string{}};
    }
    if (url.has_query() || url.has_fragment())
        return wrong("ends in parameters (? or #), which are not supported");

    std::string_view vhost = url.encoded_path();
    if (!vhost.empty()) vhost.remove_prefix(1);
    if (vhost.contains('/')) return wrong("has a vhost with a / in it: write that as %2F");
    if (!vhost.empty()) address.vhost = boost::urls::pct_string_view{vhost}.decode();
    return address;
}

}  // namespace

std::string BrokerAddress::shown() const {
    const bool bracketed = host.contains(':');
    return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<std::vector<BrokerAddress>> parse_broker_urls(const Secret& urls) {
    std::vector<BrokerAddress> addresses;
    std::string_view list = trimmed(urls.reveal());
    while (!list.empty()) {
        auto address = parse_one(cut_first(list));
        if (!address) return address.error();
        addresses.push_back(std::move(*address));
    }
    if (addresses.empty()) return wrong("is missing");
    return addresses;
}

}  // namespace prewarm::amqp
