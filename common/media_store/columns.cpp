#include "common/media_store/columns.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include <boost/algorithm/hex.hpp>
#include <boost/nowide/utf/utf.hpp>
#include <pqxx/array>
#include <pqxx/result>
#include <pqxx/row>

namespace prewarm::sql {

std::string array_literal(const std::vector<std::string>& values) {
    std::string literal{"{"};
    for (const auto& value : values) {
        if (literal.size() > 1) literal += ',';
        literal += '"';
        for (const char c : value) {
            if (c == '"' || c == '\\') literal += '\\';
            literal += c;
        }
        literal += '"';
    }
    return literal + '}';
}

std::string bytea_literal(std::string_view bytes) {
    std::string literal{"\\x"};
    boost::algorithm::hex_lower(bytes.begin(), bytes.end(), std::back_inserter(literal));
    return literal;
}

std::vector<std::string> array_of(const pqxx::field& field) {
    std::vector<std::string> values;
    auto parser = field.as_array();
    for (auto [what, text] = parser.get_next(); what != pqxx::array_parser::done;
         std::tie(what, text) = parser.get_next()) {
        if (what == pqxx::array_parser::string_value) values.push_back(std::move(text));
    }
    return values;
}

ReadyMedia ready_media(const pqxx::row& row, MediaKey media) {
    ReadyMedia ready;
    ready.media = std::move(media);
    ready.actual_kind = kind_of(row["actual_kind"]);
    ready.weak = row["weak"].as<bool>();
    ready.file_id = row["file_id"].as<std::string>();
    ready.file_unique_id = row["file_unique_id"].as<std::string>("");
    ready.version = row["version"].as<std::uint64_t>();
    ready.bytes = row["bytes"].as<std::uint64_t>();
    ready.storage_chat_id = row["storage_chat_id"].as<std::int64_t>();
    ready.storage_message_id = row["storage_message_id"].as<std::int64_t>();
    ready.attempts = row["attempts"].as<std::uint32_t>();
    ready.upload_event_ids = array_of(row["upload_event_ids"]);
    ready.cache_keys = array_of(row["cache_keys"]);
    ready.cache_tags = array_of(row["cache_tags"]);
    return ready;
}

MediaKind kind_of(const pqxx::field& field) {
    return media_kind_named(field.c_str()).value();
}

std::vector<std::string> distinct(std::vector<std::string> values) {
    std::unordered_set<std::string> seen;
    std::erase_if(values, [&](const std::string& value) { return !seen.insert(value).second; });
    return values;
}

bool has_zero_byte(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

std::string storable(std::string_view text, std::size_t max_characters) {
    namespace utf = boost::nowide::utf;
    using Utf8 = utf::utf_traits<char>;
    std::string clean;
    const auto* at = text.data();
    const auto* const end = at + text.size();
    for (std::size_t count = 0; at != end && count < max_characters; ++count) {
        auto character = Utf8::decode(at, end);
        if (character == utf::illegal || character == utf::incomplete || character == 0) {
            character = 0xFFFD;
        }
        Utf8::encode(character, std::back_inserter(clean));
    }
    return clean;
}

}  // namespace prewarm::sql
