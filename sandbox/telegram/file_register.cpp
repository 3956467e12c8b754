#include "sandbox/telegram/file_register.hpp"

#include <array>
#include <bit>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "sandbox/base64.hpp"

// A file_id is base64url of three bytes that begin it as Telegram's ids of that kind do, the part,
// the number in eight bytes, and a MAC over these and the bot: opaque, too long for a short
// database column, and of no use to another bot.

namespace prewarm::sandbox {
namespace {

constexpr std::size_t part_at = 3;
constexpr std::size_t number_at = 4;
constexpr std::size_t mac_at = 12;
constexpr std::size_t mac_bytes = 48;

/// Telegram's own number of a file type.
char type_number(MediaKind kind) {
    switch (kind) {
        case MediaKind::photo:
            return 2;
        case MediaKind::voice:
            return 3;
        case MediaKind::video:
            return 4;
        case MediaKind::document:
            return 5;
        case MediaKind::sticker:
            return 8;
        case MediaKind::audio:
            return 9;
        case MediaKind::animation:
            return 10;
        case MediaKind::video_note:
            return 13;
    }
    return 7;
}

std::string mac(const Secret& seed, std::string_view text) {
    std::string digest(mac_bytes, '\0');
    HMAC(EVP_sha384(), seed.reveal().data(), static_cast<int>(seed.reveal().size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return digest;
}

}  // namespace

FileRegister::FileRegister(Secret seed, std::size_t capacity)
    : seed_{std::move(seed)}, capacity_{capacity} {}

std::uint64_t FileRegister::add(StoredFile file) {
    files_.push_back(std::move(file));
    if (files_.size() > capacity_) {
        files_.pop_front();
        ++first_;
    }
    return first_ + files_.size() - 1;
}

const StoredFile* FileRegister::file(std::uint64_t number) const {
    if (number < first_ || number - first_ >= files_.size()) return nullptr;
    return &files_[number - first_];
}

std::string FileRegister::file_id(const StoredFile& file, Found found, std::int64_t bot_id) const {
    const auto number = std::bit_cast<std::array<char, 8>>(found.number);
    std::string bytes;
    if (found.part == FilePart::thumbnail) {
        bytes = {0, 3, 2};
    } else {
        bytes = {type_number(file.kind), 0, 2};
    }
    bytes += static_cast<char>(found.part);
    bytes.append(number.data(), number.size());
    bytes += mac(seed_, fmt::format("{} {}", bytes, bot_id));
    return base64url(bytes);
}

FileNames FileRegister::names(std::uint64_t number, FilePart part, std::int64_t bot_id) const {
    const auto* const stored = file(number);
    if (stored == nullptr) return {};
    const char file_class = stored->kind == MediaKind::photo ? 1 : 2;
    std::string unique{file_class, 0, 3};
    unique += mac(seed_, fmt::format("unique {} {}", number, static_cast<int>(part))).substr(0, 9);
    return {.file_id = file_id(*stored, {number, part}, bot_id),
            .file_unique_id = base64url(unique)};
}

std::expected<FileRegister::Found, BadFileId> FileRegister::find(std::string_view file_id,
                                                                 std::int64_t bot_id) const {
    const auto bytes = from_base64url(file_id);
    if (!bytes || bytes->size() != mac_at + mac_bytes)
        return std::unexpected{BadFileId::unreadable};
    std::array<char, 8> number{};
    bytes->copy(number.data(), number.size(), number_at);
    const Found found{.number = std::bit_cast<std::uint64_t>(number),
                      .part = static_cast<FilePart>((*bytes)[part_at])};
    const auto* const stored = file(found.number);
    if (stored == nullptr || this->file_id(*stored, found, bot_id) != file_id)
        return std::unexpected{BadFileId::unknown};
    if (found.part == FilePart::thumbnail) return std::unexpected{BadFileId::thumbnail};
    return found;
}

}  // namespace prewarm::sandbox
