#include "common/downloads/index.hpp"

#include <utility>

namespace prewarm::downloads {
namespace {

// What a usual file system gives out at least.
constexpr std::uint64_t block_bytes = 4096;

}  // namespace

std::uint64_t Index::room_for(std::uint64_t bytes) {
    return bytes / block_bytes * block_bytes + (bytes % block_bytes == 0 ? 0 : block_bytes);
}

std::optional<Index::Found> Index::find(const Sha256& sha256, Time now) {
    const auto known = by_sha256_.find(sha256);
    if (known == by_sha256_.end() || is_old(*known->second, now)) return std::nullopt;
    const auto file = known->second;
    file->used = now;
    files_.splice(files_.end(), files_, file);
    return Found{file->id, file->bytes};
}

std::optional<std::vector<Sha256>> Index::reserve(std::uint64_t bytes) {
    const auto wanted = room_for(bytes);
    if (wanted > limits_.most_bytes) return std::nullopt;
    auto taken = taken_;
    auto files = files_.size() + to_come_;
    const auto fits = [&] {
        return taken + wanted <= limits_.most_bytes && files < limits_.most_files;
    };
    std::vector<Files::iterator> to_go;
    for (auto file = files_.begin(); file != files_.end() && !fits(); ++file) {
        if (file->readers != 0) continue;
        to_go.push_back(file);
        taken -= room_for(file->bytes);
        --files;
    }
    if (!fits()) return std::nullopt;
    std::vector<Sha256> gone;
    for (const auto file : to_go) {
        gone.push_back(file->sha256);
        erase(file);
    }
    taken_ += wanted;
    ++to_come_;
    return gone;
}

void Index::give_back(std::uint64_t bytes) {
    taken_ -= room_for(bytes);
    --to_come_;
}

void Index::settle(const Sha256& sha256, std::uint64_t bytes, Time used) {
    // It takes the place, on the disk as well, of one that was too old to be found.
    if (const auto known = by_sha256_.find(sha256); known != by_sha256_.end()) erase(known->second);
    --to_come_;
    by_sha256_[sha256] = files_.insert(files_.end(), {sha256, ++last_id_, bytes, used});
}

void Index::begin_reading(const Sha256& sha256, std::uint64_t id) {
    if (const auto file = at(sha256, id); file != files_.end()) ++file->readers;
}

void Index::end_reading(const Sha256& sha256, std::uint64_t id) {
    if (const auto file = at(sha256, id); file != files_.end()) --file->readers;
}

bool Index::forget(const Sha256& sha256, std::uint64_t id) {
    const auto file = at(sha256, id);
    if (file == files_.end()) return false;
    erase(file);
    return true;
}

std::vector<Sha256> Index::forget_old(Time now) {
    std::vector<Sha256> gone;
    for (auto file = files_.begin(); file != files_.end() && is_old(*file, now);) {
        if (file->readers != 0) {
            ++file;
            continue;
        }
        gone.push_back(file->sha256);
        file = erase(file);
    }
    return gone;
}

Index::Files::iterator Index::at(const Sha256& sha256, std::uint64_t id) {
    const auto known = by_sha256_.find(sha256);
    if (known == by_sha256_.end() || known->second->id != id) return files_.end();
    return known->second;
}

Index::Files::iterator Index::erase(Files::iterator file) {
    taken_ -= room_for(file->bytes);
    by_sha256_.erase(file->sha256);
    return files_.erase(file);
}

}  // namespace prewarm::downloads
