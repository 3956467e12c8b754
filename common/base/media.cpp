#include "common/base/media.hpp"

#include <algorithm>

#include <openssl/evp.h>

namespace prewarm {
namespace {

constexpr std::array<std::string_view, 8> kind_names{"photo", "video",      "animation", "audio",
                                                     "voice", "video_note", "document",  "sticker"};

std::optional<std::uint8_t> hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
    if (digit >= 'A' && digit <= 'F') return static_cast<std::uint8_t>(digit - 'A' + 10);
    return std::nullopt;
}

}  // namespace

std::string_view name_of(MediaKind kind) {
    return kind_names[static_cast<std::size_t>(kind) - 1];
}

std::optional<MediaKind> media_kind_named(std::string_view name) {
    for (const auto kind : all_media_kinds) {
        if (name_of(kind) == name) return kind;
    }
    return std::nullopt;
}

std::string Sha256::hex() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(64);
    for (const auto byte : bytes) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

std::optional<Sha256> sha256_from_hex(std::string_view hex) {
    if (hex.size() != 64) return std::nullopt;
    Sha256 sha256;
    for (std::size_t at = 0; at < sha256.bytes.size(); ++at) {
        const auto high = hex_digit(hex[2 * at]);
        const auto low = hex_digit(hex[2 * at + 1]);
        if (!high || !low) return std::nullopt;
        sha256.bytes[at] = static_cast<std::uint8_t>(*high << 4U | *low);
    }
    return sha256;
}

std::optional<Sha256> sha256_from_bytes(std::string_view bytes) {
    Sha256 sha256;
    if (bytes.size() != sha256.bytes.size()) return std::nullopt;
    std::ranges::copy(bytes, sha256.bytes.begin());
    return sha256;
}

Sha256 sha256_of(std::string_view bytes) {
    Sha256 sha256;
    EVP_Digest(bytes.data(), bytes.size(), sha256.bytes.data(), nullptr, EVP_sha256(), nullptr);
    return sha256;
}

bool is_bot_slug(std::string_view text) {
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= 64 && is_plain(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return is_plain(c) || c == '_' || c == '-'; });
}

}  // namespace prewarm
