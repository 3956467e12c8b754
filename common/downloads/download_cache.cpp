#include "common/downloads/download_cache.hpp"

#include <algorithm>
#include <utility>

#include "common/log/log.hpp"

namespace prewarm::downloads {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// A folder may hold many files when it is taken over.
constexpr auto time_to_open = 60s;
// A disk that stays full, or is so off and on, need not be told of all the time.
constexpr auto between_warnings = 10min;
constexpr auto longest_pause = 1s;
constexpr auto shortest_pause = 10ms;

}  // namespace

std::string_view name_of(CacheResult result) {
    switch (result) {
        case CacheResult::hit:
            return "hit";
        case CacheResult::miss:
            return "miss";
        case CacheResult::shared:
            return "shared";
        case CacheResult::bypass:
            return "bypass";
    }
    return "bypass";
}

DownloadCache::DownloadCache(asio::any_io_executor executor, CacheOptions options)
    : executor_{std::move(executor)},
      options_{std::move(options)},
      index_{{.most_bytes = options_.most_bytes, .ttl = options_.ttl}} {}

// ---- the folder ------------------------------------------------------------------------------

asio::awaitable<void> DownloadCache::open() {
    struct Opened {
        std::shared_ptr<Folder> folder;
        std::vector<Leftover> leftovers;
    };
    // Lets go of its lock.
    folder_.reset();
    is_open_ = false;
    auto opened = co_await names_.run(time_to_open, [path = options_.folder]() -> Result<Opened> {
        auto folder = Folder::open(path);
        if (!folder) return folder.error();
        auto leftovers = (*folder)->take_stock();
        if (!leftovers) return leftovers.error();
        return Opened{std::move(*folder), std::move(*leftovers)};
    });
    if (!opened || !*opened) {
        trouble(opened ? opened->error().detail : "the disk does not answer");
        co_return;
    }
    folder_ = std::move((*opened)->folder);
    take_over((*opened)->leftovers);
    is_open_ = true;
    log::debug("download_cache.open", "objects that are downloaded are kept for a while",
               {{"folder", options_.folder}, {"files", index_.size()}});
}

void DownloadCache::take_over(const std::vector<Leftover>& leftovers) {
    index_ = Index{{.most_bytes = options_.most_bytes, .ttl = options_.ttl}};
    const auto now = steady_clock::now();
    std::vector<Sha256> to_go;
    for (const auto& leftover : leftovers) {
        auto room =
            leftover.unused_for < options_.ttl ? index_.reserve(leftover.bytes) : std::nullopt;
        if (!room) {
            to_go.push_back(leftover.sha256);
            continue;
        }
        to_go.insert(to_go.end(), room->begin(), room->end());
        index_.settle(leftover.sha256, leftover.bytes, now - leftover.unused_for);
    }
    remove(std::move(to_go));
}

asio::awaitable<void> DownloadCache::run() {
    while (true) {
        // What was given out belongs to the folder as it was.
        if (!is_open_ && users_ == 0 && steady_clock::now() >= try_again_) co_await open();
        remove_old();
        co_await sleep_for(
            std::clamp<std::chrono::milliseconds>(options_.ttl / 4, shortest_pause, longest_pause));
    }
}

void DownloadCache::remove_old() {
    if (is_open_) remove(index_.forget_old(steady_clock::now()));
}

void DownloadCache::remove(std::vector<Sha256> files) {
    if (files.empty()) return;
    names_.post([folder = folder_, files = std::move(files)] {
        for (const auto& file : files)
            folder->remove(file);
    });
}

void DownloadCache::trouble(const std::string& detail) {
    const auto now = steady_clock::now();
    is_open_ = false;
    try_again_ = now + options_.rest;
    if (warned_at_ && now - *warned_at_ < between_warnings) return;
    warned_at_ = now;
    log::warn("download_cache.trouble", "objects are downloaded past the cache for now",
              {{"folder", options_.folder}, {"error", detail}});
}

// ---- finding ---------------------------------------------------------------------------------

asio::awaitable<Lookup> DownloadCache::find(Sha256 sha256, std::uint64_t announced_bytes,
                                            Deadline deadline) {
    const auto latest = std::min(deadline, deadline_in(options_.longest_wait));
    bool has_waited = false;
    while (is_open_ && index_.could_hold(announced_bytes)) {
        if (const auto flight = flights_.find(sha256); flight != flights_.end()) {
            if (!co_await wait_for(flight->second, latest)) break;
            has_waited = true;
            continue;
        }
        const auto found = index_.find(sha256, steady_clock::now());
        if (!found) {
            co_return Lookup{.result = CacheResult::miss, .keeper = Keeper{*this, sha256}};
        }
        if (announced_bytes != 0 && announced_bytes != found->bytes) break;
        CachedObject object{*this, sha256, found->id, found->bytes};
        if (co_await object.open()) {
            co_return Lookup{.result = has_waited ? CacheResult::shared : CacheResult::hit,
                             .object = std::move(object)};
        }
    }
    co_return Lookup{};
}

/// False if it was not worth waiting for any longer.
asio::awaitable<bool> DownloadCache::wait_for(std::shared_ptr<Flight> flight, Deadline latest) {
    struct Waiting {
        Flight& flight;
        asio::steady_timer timer;
        std::list<asio::steady_timer*>::iterator place;
        Waiting(Flight& other, asio::any_io_executor executor)
            : flight{other},
              timer{std::move(executor)},
              place{flight.waiting.insert(flight.waiting.end(), &timer)} {}
        ~Waiting() { flight.waiting.erase(place); }
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;
    } waiting{*flight, executor_};

    while (!flight->has_ended) {
        const auto until = std::min(latest, flight->progress_at + options_.longest_stall);
        if (steady_clock::now() >= until) co_return false;
        waiting.timer.expires_at(until);
        co_await wake_up(waiting.timer);
    }
    co_return true;
}

void DownloadCache::give_up(const Sha256& sha256, std::uint64_t id, const Failure& why) {
    if (why.kind == FailureKind::unavailable) trouble(why.detail);
    if (!index_.forget(sha256, id)) return;
    remove({sha256});
    log::warn("download_cache.broken_copy", "a kept object is removed, as it cannot be read",
              {{"sha256", sha256.hex()}, {"error", why.detail}});
}

std::size_t DownloadCache::waiting() const {
    std::size_t waiting = 0;
    for (const auto& [sha256, flight] : flights_)
        waiting += flight->waiting.size();
    return waiting;
}

}  // namespace prewarm::downloads
