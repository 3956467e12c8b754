#include "common/downloads/folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace prewarm::downloads {
namespace {

using namespace std::chrono_literals;

std::string error_text() {
    return std::error_code{errno, std::generic_category()}.message();
}

Failure disk_failure(std::string_view what, std::string_view why) {
    return {FailureKind::unavailable, fmt::format("{}: {}", what, why)};
}

/// As file names have it: lower case only.
std::optional<Sha256> sha256_named(std::string_view name) {
    auto sha256 = sha256_from_hex(name);
    if (sha256 && sha256->hex() != name) sha256.reset();
    return sha256;
}

bool is_name_of_part(std::string_view name) {
    constexpr std::string_view end = ".part";
    constexpr std::size_t hex_digits = 64;
    if (!name.ends_with(end) || name.size() <= hex_digits + 1 + end.size()) return false;
    const auto number = name.substr(hex_digits + 1, name.size() - hex_digits - 1 - end.size());
    return sha256_named(name.substr(0, hex_digits)) && name[hex_digits] == '.' &&
           number.find_first_not_of("0123456789") == std::string_view::npos;
}

std::chrono::nanoseconds time_since(const timespec& then) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::chrono::seconds{now.tv_sec - then.tv_sec} +
           std::chrono::nanoseconds{now.tv_nsec - then.tv_nsec};
}

}  // namespace

Descriptor::~Descriptor() {
    if (number_ >= 0) ::close(number_);
}

// ---- the folder ------------------------------------------------------------------------------

Result<std::shared_ptr<Folder>> Folder::open(const std::string& path) {
    std::error_code ignored;  // What it leads to is seen next.
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path(), ignored);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return disk_failure(path, error_text());
    Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!descriptor.is_open()) return disk_failure(path, error_text());
    if (::flock(descriptor.number(), LOCK_EX | LOCK_NB) != 0) {
        return disk_failure(path, errno == EWOULDBLOCK
                                      ? "another process has it: each needs a folder of its own"
                                      : error_text());
    }
    return std::shared_ptr<Folder>{new Folder{path, std::move(descriptor)}};
}

Result<std::vector<Leftover>> Folder::take_stock() {
    struct Close {
        void operator()(DIR* listing) const { ::closedir(listing); }
    };
    const int again = ::openat(descriptor_.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (again < 0) return failure("list");
    const std::unique_ptr<DIR, Close> listing{::fdopendir(again)};
    if (!listing) {
        ::close(again);
        return failure("list");
    }
    std::vector<Leftover> leftovers;
    while (const auto* entry = ::readdir(listing.get())) {
        if (auto leftover = leftover_called(entry->d_name)) leftovers.push_back(*leftover);
    }
    std::ranges::sort(leftovers, std::ranges::greater{}, &Leftover::unused_for);
    return leftovers;
}

std::optional<Leftover> Folder::leftover_called(const char* name) {
    const auto sha256 = sha256_named(name);
    const bool is_part = is_name_of_part(name);
    if (!sha256 && !is_part) return std::nullopt;
    struct stat about{};
    if (::fstatat(descriptor_.number(), name, &about, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(about.st_mode)) {
        return std::nullopt;
    }
    if (is_part) {
        ::unlinkat(descriptor_.number(), name, 0);
        return std::nullopt;
    }
    return Leftover{*sha256, static_cast<std::uint64_t>(about.st_size),
                    std::max(time_since(about.st_mtim), 0ns)};
}

Result<std::shared_ptr<Part>> Folder::begin(const Sha256& sha256) {
    auto name = fmt::format("{}.{}.part", sha256.hex(), ++parts_);
    Descriptor descriptor{::openat(descriptor_.number(), name.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!descriptor.is_open()) return failure(name);
    return std::make_shared<Part>(shared_from_this(), std::move(descriptor), sha256,
                                  std::move(name));
}

Result<std::shared_ptr<Copy>> Folder::open_copy(const Sha256& sha256, std::uint64_t bytes) {
    const auto name = sha256.hex();
    // A pipe of that name would not be waited for.
    Descriptor descriptor{::openat(descriptor_.number(), name.c_str(),
                                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct stat about{};
    if (!descriptor.is_open() || ::fstat(descriptor.number(), &about) != 0) {
        auto failed = failure(name);
        failed.kind = FailureKind::not_found;
        return failed;
    }
    if (!S_ISREG(about.st_mode) || static_cast<std::uint64_t>(about.st_size) != bytes) {
        return Failure{FailureKind::not_found,
                       fmt::format("{}/{}: it is not the file that was kept", path_, name)};
    }
    // For whoever takes the folder over; a file of somebody else's stays as it is.
    ::futimens(descriptor.number(), nullptr);
    return std::make_shared<Copy>(std::move(descriptor), sha256, bytes);
}

void Folder::remove(const Sha256& sha256) {
    ::unlinkat(descriptor_.number(), sha256.hex().c_str(), 0);
}

Failure Folder::failure(std::string_view what) const {
    return disk_failure(fmt::format("{}/{}", path_, what), error_text());
}

// ---- a file that is being written ------------------------------------------------------------

Part::Part(std::shared_ptr<Folder> folder, Descriptor descriptor, Sha256 sha256, std::string name)
    : folder_{std::move(folder)},
      descriptor_{std::move(descriptor)},
      sha256_{sha256},
      name_{std::move(name)} {}

Part::~Part() {
    if (!is_kept_) ::unlinkat(folder_->descriptor_.number(), name_.c_str(), 0);
}

Result<> Part::write(std::span<const char> bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(descriptor_.number(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return folder_->failure(name_);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<> Part::keep() {
    const int folder = folder_->descriptor_.number();
    if (::renameat(folder, name_.c_str(), folder, sha256_.hex().c_str()) != 0)
        return folder_->failure(name_);
    is_kept_ = true;
    return {};
}

void Part::drop() {
    if (is_kept_) folder_->remove(sha256_);
}

// ---- a file that is being read ---------------------------------------------------------------

Result<std::string> Copy::next(std::size_t most) {
    std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(most, left_)), '\0');
    for (std::size_t got = 0; got < bytes.size();) {
        const auto read = ::read(descriptor_.number(), bytes.data() + got, bytes.size() - got);
        if (read < 0 && errno == EINTR) continue;
        if (read < 0) return disk_failure(sha256_.hex(), error_text());
        if (read == 0) return Failure{FailureKind::mismatch, sha256_.hex() + ": it was cut short"};
        got += static_cast<std::size_t>(read);
    }
    digest_.update(bytes);
    left_ -= bytes.size();
    if (left_ == 0 && digest_.finish() != sha256_)
        return Failure{FailureKind::mismatch, sha256_.hex() + ": its bytes have changed"};
    return bytes;
}

}  // namespace prewarm::downloads
