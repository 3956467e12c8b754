#include "producer/local_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <memory>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <magic.h>

#include "common/base/text.hpp"
#include "common/s3/digest.hpp"
#include "producer/media_type.hpp"
#include "producer/output.hpp"

namespace prewarm::producer {
namespace {

namespace fs = std::filesystem;

// What libmagic gets to see: office documents are recognised late, everything else at once.
constexpr std::size_t head_bytes = 256 * 1024;

struct CloseMagic {
    void operator()(magic_t magic) const { magic_close(magic); }
};
using Magic = std::unique_ptr<std::remove_pointer_t<magic_t>, CloseMagic>;

Magic open_magic() {
    Magic magic{magic_open(MAGIC_MIME_TYPE | MAGIC_ERROR)};
    if (!magic || magic_load(magic.get(), nullptr) != 0) {
        throw std::runtime_error{
            fmt::format("libmagic cannot load its database: {}; is the "
                        "package libmagic-mgc installed?",
                        magic ? magic_error(magic.get()) : "out of memory")};
    }
    return magic;
}

std::string mime_type_of(std::string_view head) {
    static thread_local const Magic magic = open_magic();  // Serves one thread at a time.
    const char* type = magic_buffer(magic.get(), head.data(), head.size());
    return type != nullptr ? type : "application/octet-stream";
}

class Search {
public:
    void add(const fs::path& path) {
        std::error_code error;
        const auto status = fs::status(path, error);
        if (fs::is_directory(status)) return add_directory(path);
        if (fs::is_regular_file(status)) return add_file(path);
        problem(path, error ? error.message() : "neither a file nor a directory");
    }

    FoundFiles found;

private:
    void add_directory(const fs::path& directory) {
        std::error_code error;
        fs::recursive_directory_iterator entry{directory, error};
        std::vector<fs::path> files;
        for (; !error && entry != fs::recursive_directory_iterator{}; entry.increment(error)) {
            if (entry->path().filename().native().starts_with('.')) {
                entry.disable_recursion_pending();
                continue;
            }
            std::error_code ignored;
            if (entry->is_regular_file(ignored)) files.push_back(entry->path());
        }
        if (error) problem(directory, error.message());
        std::ranges::sort(files);
        for (const auto& file : files)
            add_file(file);
    }

    void add_file(const fs::path& path) {
        std::error_code error;
        const auto bytes = fs::file_size(path, error);
        if (error) return problem(path, error.message());
        auto canonical = fs::canonical(path, error);
        if (error) return problem(path, error.message());
        if (known_.insert(std::move(canonical)).second) found.files.push_back({path, bytes});
    }

    void problem(const fs::path& path, std::string_view why) {
        found.problems.push_back(fmt::format("{}: {}", shown(path.native()), why));
    }

    std::set<fs::path> known_;
};

bool is_plain_extension(std::string_view extension) {
    return extension.size() >= 2 && extension.size() <= 11 &&
           std::ranges::all_of(extension.substr(1),
                               [](unsigned char c) { return std::isalnum(c) != 0; });
}

}  // namespace

FoundFiles find_files(const std::vector<std::string>& paths) {
    Search search;
    for (const auto& path : paths)
        search.add(path);
    return std::move(search.found);
}

Result<ExaminedFile> examine(const fs::path& path) {
    std::ifstream in{path, std::ios::binary};
    if (!in) {
        return Failure{FailureKind::not_found,
                       std::error_code{errno, std::generic_category()}.message()};
    }
    s3::Digest digest;
    ExaminedFile file;
    std::string head;
    std::vector<char> piece(head_bytes);
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
        const std::span<const char> bytes{piece.data(), static_cast<std::size_t>(in.gcount())};
        digest.update(bytes);
        if (file.bytes == 0) head.assign(bytes.begin(), bytes.end());
        file.bytes += bytes.size();
    }
    if (in.bad()) return Failure{FailureKind::refused, "it cannot be read to its end"};
    if (file.bytes == 0) {
        return Failure{FailureKind::refused, "it is empty, and Telegram takes no empty files"};
    }
    file.sha256 = digest.finish();
    file.mime_type = mime_type_of(head);
    file.kind = kind_of({.mime_type = file.mime_type, .bytes = file.bytes, .head = head});
    return file;
}

std::string event_file_name(const fs::path& path) {
    const auto name = path.filename().native();
    std::string safe;
    for (std::string_view rest = name; !rest.empty();) {
        const auto length = utf8_character(rest);
        const bool plain = length > 1 || (length == 1 && rest[0] >= 0x20 && rest[0] != 0x7f);
        safe += plain ? rest.substr(0, length) : "_";
        rest.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return safe;
}

std::string object_key(std::string_view prefix, const fs::path& path, const ExaminedFile& file) {
    auto extension = path.extension().native();
    std::ranges::transform(extension, extension.begin(), [](unsigned char c) {
        return static_cast<char>(c < 0x80 ? std::tolower(c) : c);
    });
    if (!is_plain_extension(extension)) extension = usual_extension(file.mime_type);
    return fmt::format("{}{}{}", prefix, file.sha256.hex(), extension);
}

}  // namespace prewarm::producer
