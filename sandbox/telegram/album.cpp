#include "sandbox/telegram/album.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;

constexpr std::size_t most_items = 10;

/// Items of different classes do not stand in one album.
enum class AlbumClass : std::uint8_t { pictures, audios, documents };

AlbumClass class_of(MediaKind kind) {
    if (kind == MediaKind::audio) return AlbumClass::audios;
    return kind == MediaKind::document ? AlbumClass::documents : AlbumClass::pictures;
}

ApiResult<MediaKind> kind_of_item(std::string_view type) {
    const auto kind = media_kind_named(type);
    const bool stands_in_albums = kind == MediaKind::photo || kind == MediaKind::video ||
                                  kind == MediaKind::audio || kind == MediaKind::document;
    if (!stands_in_albums)
        return bad_request(fmt::format("type \"{}\" can't be used in sendMediaGroup", type));
    return *kind;
}

ApiResult<AlbumItem> item_of(const json::value& value, const Form& form) {
    const auto* const object = value.if_object();
    if (object == nullptr) return bad_request("can't parse media JSON object: expected an Object");
    AlbumItem item;
    item.form.files = form.files;
    auto& parameters = item.form.parameters;
    for (const auto& [name, one] : *object)
        parameters.emplace_back(
            name, one.is_string() ? json::value_to<std::string>(one) : json::serialize(one));
    const auto kind = kind_of_item(item.form.text("type"));
    if (!kind) return std::unexpected{kind.error()};
    item.kind = *kind;
    const std::string media{item.form.text("media")};
    if (media.empty()) return bad_request("media not found");
    // The first of a name counts, and a document of an album is never taken for anything else.
    parameters.insert(parameters.begin(), {{std::string{name_of(item.kind)}, media},
                                           {"disable_content_type_detection", "true"}});
    return item;
}

}  // namespace

ApiResult<std::vector<AlbumItem>> album_of(const Form& form) {
    const auto text = form.text("media");
    boost::system::error_code error;
    const auto media = json::parse({text.data(), text.size()}, error);
    if (error || !media.is_array()) return bad_request("can't parse media JSON object");
    if (media.get_array().empty()) return bad_request("there are no messages to send");
    if (media.get_array().size() > most_items)
        return bad_request("too many messages to send as an album");
    std::vector<AlbumItem> album;
    for (const auto& value : media.get_array()) {
        auto item = item_of(value, form);
        if (!item) return std::unexpected{item.error()};
        if (!album.empty() && class_of(item->kind) != class_of(album.front().kind)) {
            const auto odd =
                class_of(item->kind) == AlbumClass::pictures ? album.front().kind : item->kind;
            return bad_request(fmt::format("{} can't be mixed with other media types",
                                           odd == MediaKind::audio ? "audio" : "document"));
        }
        album.push_back(std::move(*item));
    }
    return album;
}

ApiError failed_item(std::size_t index, const ApiError& error) {
    if (error.code == 401 || error.code == 429 || error.code >= 500) return error;
    constexpr std::string_view prefix = "Bad Request: ";
    auto text = error.description;
    // Within, errors stand as they were before they became the Bot API's.
    if (text.starts_with(prefix)) text.erase(0, prefix.size());
    if (!text.empty())
        text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return {.code = 400,
            .description = fmt::format("{}failed to send message #{} with the error message \"{}\"",
                                       prefix, index + 1, text)};
}

}  // namespace prewarm::sandbox
