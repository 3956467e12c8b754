#include "producer/dead_letters/letter_view.hpp"

#include <algorithm>
#include <ranges>
#include <string_view>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "common/base/text.hpp"
#include "producer/dead_letters/event_body.hpp"
#include "producer/output.hpp"

namespace prewarm::producer {
namespace {

constexpr std::size_t most_body_bytes = 16 * 1024;  // Shown to people.

template <class... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

std::string hex_of(std::string_view bytes) {
    std::string hex;
    hex.reserve(2 * bytes.size());
    for (const char byte : bytes)
        hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return hex;
}

boost::json::object json_of(const amqp::FieldTable& table);

boost::json::value json_of(const amqp::FieldValue& value) {
    return std::visit(
        Overloaded{
            [](std::monostate) -> boost::json::value { return nullptr; },
            [](const std::string& text) -> boost::json::value { return shown(text).c_str(); },
            [](const amqp::ByteArray& bytes) -> boost::json::value {
                return hex_of(bytes.bytes).c_str();
            },
            [](amqp::Decimal decimal) -> boost::json::value {
                return fmt::format("{}e-{}", decimal.value, decimal.decimals).c_str();
            },
            [](amqp::Timestamp time) -> boost::json::value {
                // As a number where no calendar has it.
                constexpr std::uint64_t latest = 9'223'372'036;
                if (time.seconds > latest) return time.seconds;
                return json_time(std::chrono::system_clock::time_point{
                    std::chrono::seconds{static_cast<std::int64_t>(time.seconds)}});
            },
            [](const amqp::FieldArray& array) -> boost::json::value {
                boost::json::array values;
                for (const auto& held : array)
                    values.push_back(json_of(held));
                return values;
            },
            [](const amqp::FieldTable& table) -> boost::json::value { return json_of(table); },
            [](auto number) -> boost::json::value { return number; },
        },
        value.kind);
}

boost::json::object json_of(const amqp::FieldTable& table) {
    boost::json::object object;
    for (const auto& [name, value] : table.fields)
        object[shown(name)] = json_of(value);
    return object;
}

boost::json::object properties_of(const amqp::Message& message) {
    boost::json::object properties;
    const std::pair<std::string_view, const std::string*> texts[]{
        {"content_type", &message.content_type},
        {"content_encoding", &message.content_encoding},
        {"type", &message.type},
        {"message_id", &message.message_id},
        {"correlation_id", &message.correlation_id},
        {"reply_to", &message.reply_to},
        {"app_id", &message.app_id},
    };
    for (const auto& [name, text] : texts) {
        if (!text->empty()) properties[name] = shown(*text);
    }
    if (message.timestamp) properties["timestamp"] = json_time(*message.timestamp);
    if (message.priority) properties["priority"] = *message.priority;
    properties["persistent"] = message.persistent;
    return properties;
}

bool is_text(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto length = utf8_character(bytes);
        const auto first = static_cast<unsigned char>(bytes.front());
        const bool blank = first == '\n' || first == '\r' || first == '\t';
        if (length == 0 || (first < 0x20 && !blank) || first == 0x7f) return false;
        bytes.remove_prefix(length);
    }
    return true;
}

void print_text(std::string_view text, std::ostream& out) {
    for (const auto line : std::views::split(text, '\n'))
        out << "  " << shown({line.begin(), line.end()}) << '\n';
}

/// `00000010  48 65 6c 6c 6f ...  Hello...`
void print_hex(std::string_view bytes, std::ostream& out) {
    constexpr std::size_t width = 16;
    for (std::size_t at = 0; at < bytes.size(); at += width) {
        const auto line = bytes.substr(at, width);
        std::string hex;
        std::string text;
        for (const char byte : line) {
            hex += fmt::format("{:02x} ", static_cast<unsigned char>(byte));
            text += byte >= 0x20 && byte < 0x7f ? byte : '.';
        }
        out << fmt::format("  {:08x}  {:<{}} {}\n", at, hex, 3 * width, text);
    }
}

void print_body(std::string_view body, std::ostream& out) {
    const auto part = body.substr(0, most_body_bytes);
    // Cutting may part a character, which `shown` makes visible.
    if (is_text(body)) {
        print_text(part, out);
    } else {
        print_hex(part, out);
    }
    if (part.size() < body.size()) {
        out << fmt::format("  ... and {} more (--json shows all)\n",
                           counted(body.size() - part.size(), "byte", "bytes"));
    }
}

void print_fields(const boost::json::object& fields, std::ostream& out) {
    for (const auto& [name, value] : fields) {
        const auto text = value.is_string() ? std::string{value.as_string().c_str()}
                                            : boost::json::serialize(value);
        out << fmt::format("  {}: {}\n", std::string_view{name.data(), name.size()}, text);
    }
}

}  // namespace

boost::json::value json_time(std::optional<std::chrono::system_clock::time_point> time) {
    if (!time) return nullptr;
    return boost::json::value(shown_time(*time));
}

boost::json::object json_of(const DeadLetter& letter) {
    return {{"id", letter.id},
            {"reason", shown(letter.reason)},
            {"detail", shown(letter.detail)},
            {"died_at", json_time(letter.died_at)},
            {"attempts", letter.attempts},
            {"replays", letter.replays},
            {"message_id", shown(letter.message_id)},
            {"event_id", shown(letter.event_id)},
            {"bot_slug", shown(letter.bot_slug)},
            {"kind", letter.kind},
            {"sha256", letter.sha256},
            {"bytes", letter.message_bytes},
            {"media_bytes", letter.media_bytes},
            {"handed_out", letter.handed_out}};
}

boost::json::object json_of(const DeadLetter& letter, const amqp::Message& message) {
    auto object = json_of(letter);
    object["properties"] = properties_of(message);
    object["headers"] = json_of(message.headers);
    const auto event = event_in(message);
    if (event) object["event"] = boost::json::parse(event->json);
    if (letter.oversized) {
        object["oversized"] = true;
    } else if (!event || !event->valid) {
        if (is_text(message.body)) {
            object["body_text"] = message.body;
        } else {
            object["body_hex"] = hex_of(message.body);
        }
    }
    return object;
}

void print(const DeadLetter& letter, const amqp::Message& message, std::ostream& out) {
    auto summary = json_of(letter);
    out << "dead letter\n";
    print_fields(summary, out);
    out << "properties\n";
    print_fields(properties_of(message), out);
    out << "headers\n";
    print_fields(json_of(message.headers), out);
    if (letter.oversized) {
        out << fmt::format("neither headers nor body were read: the body has {}\n",
                           counted(letter.message_bytes, "byte", "bytes"));
        return;
    }
    const auto event = event_in(message);
    if (event) {
        out << (event->valid ? "event\n" : "event (not valid)\n");
        print_text(event->json, out);
    }
    if (!event || !event->valid) {
        out << fmt::format("body ({})\n", counted(message.body.size(), "byte", "bytes"));
        print_body(message.body, out);
    }
}

}  // namespace prewarm::producer
