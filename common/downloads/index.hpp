/// What the cache holds, and what has to go to make room. No I/O, and no clock of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "common/base/media.hpp"

namespace prewarm::downloads {

struct IndexLimits {
    std::uint64_t most_bytes = 0;  ///< As files take it up: in whole blocks.
    std::chrono::milliseconds ttl{};
    std::size_t most_files = 20'000;  ///< As the index itself is held in memory.
};

/// Knows the files, from the one that was used longest ago to the latest. Those that are being
/// read stay, and the room for those that are being written counts as taken.
class Index {
public:
    using Time = std::chrono::steady_clock::time_point;

    struct Found {
        std::uint64_t id = 0;  ///< Of this file: another one of the same content has another.
        std::uint64_t bytes = 0;
    };

    explicit Index(IndexLimits limits) : limits_{limits} {}

    /// Marks it as used. Nothing for one that is too old.
    std::optional<Found> find(const Sha256& sha256, Time now);

    /// Whether there is any chance for one of this size.
    bool could_hold(std::uint64_t bytes) const { return room_for(bytes) <= limits_.most_bytes; }
    /// Takes room for a file to come. The files that are to be removed for it, which the index has
    /// forgotten; nothing if there is no room to be made, and then nothing is taken.
    std::optional<std::vector<Sha256>> reserve(std::uint64_t bytes);
    /// The file does not come.
    void give_back(std::uint64_t bytes);
    /// The file is here: its room, reserved before, is its own.
    void settle(const Sha256& sha256, std::uint64_t bytes, Time used);

    /// Between these two a file is not removed, unless it is forgotten.
    void begin_reading(const Sha256& sha256, std::uint64_t id);
    void end_reading(const Sha256& sha256, std::uint64_t id);

    /// False if it is not there any more.
    bool forget(const Sha256& sha256, std::uint64_t id);
    /// Forgets those that were not used for the time to live.
    std::vector<Sha256> forget_old(Time now);

    std::uint64_t taken_bytes() const { return taken_; }
    std::size_t size() const { return files_.size(); }

private:
    struct File {
        Sha256 sha256;
        std::uint64_t id;
        std::uint64_t bytes;
        Time used;
        std::size_t readers = 0;
    };
    using Files = std::list<File>;

    static std::uint64_t room_for(std::uint64_t bytes);
    bool is_old(const File& file, Time now) const { return now - file.used >= limits_.ttl; }
    Files::iterator at(const Sha256& sha256, std::uint64_t id);
    Files::iterator erase(Files::iterator file);

    IndexLimits limits_;
    Files files_;  // The one used longest ago first.
    std::map<Sha256, Files::iterator> by_sha256_;
    std::uint64_t taken_ = 0;
    std::size_t to_come_ = 0;
    std::uint64_t last_id_ = 0;
};

}  // namespace prewarm::downloads
