/// Objects that were downloaded a moment ago, on disk, for whoever needs the same content next; and
/// one download at a time of each.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "common/base/media.hpp"
#include "common/downloads/cached_object.hpp"
#include "common/downloads/disk_threads.hpp"
#include "common/downloads/folder.hpp"
#include "common/downloads/index.hpp"
#include "common/downloads/keeper.hpp"
#include "common/runtime/deadline.hpp"

namespace prewarm::downloads {

struct CacheOptions {
    std::string folder;
    std::uint64_t most_bytes = 0;     ///< All files together, those that are being written too.
    std::chrono::milliseconds ttl{};  ///< Since a file was last used.

    /// For one call of the disk's. A slower one is a broken one.
    std::chrono::milliseconds patience{std::chrono::seconds{5}};
    /// How long a broken disk, or a folder that somebody else has, is left alone.
    std::chrono::milliseconds rest{std::chrono::seconds{10}};
    /// How long another one's download is waited for that does not get on; and one that does.
    std::chrono::milliseconds longest_stall{std::chrono::seconds{5}};
    std::chrono::milliseconds longest_wait{std::chrono::seconds{30}};
};

/// How the cache served one download; the values of the metric's label `result`.
enum class CacheResult : std::uint8_t {
    hit,     ///< It was there.
    miss,    ///< It was not, and is kept as it is downloaded; unless the disk fails meanwhile.
    shared,  ///< It was being downloaded: that was waited for.
    bypass,  ///< It was not to be had, and is not kept either: too large, no room, disk trouble,
             ///< another size than announced, a wait in vain, or a copy that turned out broken.
};
std::string_view name_of(CacheResult result);

/// An object, or leave to download it; or neither.
struct Lookup {
    CacheResult result = CacheResult::bypass;
    std::optional<CachedObject> object{};  ///< With `hit` and `shared`.
    std::optional<Keeper> keeper{};        ///< With `miss`.
};

/// One loop's thread; disk I/O is done on others. It outlives the coroutines that use it and what
/// they got of it. Nothing of it fails: where the disk does, there is no cache for a while.
class DownloadCache {
public:
    DownloadCache(asio::any_io_executor executor, CacheOptions options);
    DownloadCache(const DownloadCache&) = delete;
    DownloadCache& operator=(const DownloadCache&) = delete;

    /// Takes the folder, and over what is in it. Until then, all is bypassed.
    asio::awaitable<void> open();
    /// Does so, again after trouble, and removes what is too old. Runs until cancelled.
    asio::awaitable<void> run();
    void remove_old();

    /// The object of this content, which has `announced_bytes`, if that is not 0. Waits while it is
    /// being downloaded, within bounds.
    asio::awaitable<Lookup> find(Sha256 sha256, std::uint64_t announced_bytes, Deadline deadline);

    bool is_open() const { return is_open_; }
    std::uint64_t taken_bytes() const { return index_.taken_bytes(); }
    std::size_t waiting() const;  ///< For the downloads of others.

private:
    friend class CachedObject;
    friend class Keeper;

    /// A download that others may wait for.
    struct Flight {
        Deadline progress_at;
        std::list<asio::steady_timer*> waiting{};
        bool has_ended = false;
    };

    asio::awaitable<bool> wait_for(std::shared_ptr<Flight> flight, Deadline latest);
    void take_over(const std::vector<Leftover>& leftovers);
    void remove(std::vector<Sha256> files);
    void trouble(const std::string& detail);
    void give_up(const Sha256& sha256, std::uint64_t id, const Failure& why);

    asio::any_io_executor executor_;
    CacheOptions options_;
    Index index_;
    std::shared_ptr<Folder> folder_;
    bool is_open_ = false;
    std::size_t users_ = 0;  // Objects and keepers that were given out.
    Deadline try_again_{};
    std::optional<Deadline> warned_at_;
    std::map<Sha256, std::shared_ptr<Flight>> flights_;

    // Last, so that their calls end before what they tell. What gives files other names happens in
    // the order in which the index was told of it.
    DiskThreads names_{executor_, 1};
    DiskThreads contents_{executor_, 2};
};

}  // namespace prewarm::downloads
