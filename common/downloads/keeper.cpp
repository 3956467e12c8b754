#include "common/downloads/keeper.hpp"

#include "common/downloads/download_cache.hpp"

namespace prewarm::downloads {

struct Keeper::State {
    DownloadCache& cache;
    Sha256 sha256;
    std::shared_ptr<DownloadCache::Flight> flight;
    std::optional<std::uint64_t> reserved{};
    std::shared_ptr<Part> part{};

    State(DownloadCache& of, Sha256 content)
        : cache{of},
          sha256{content},
          flight{std::make_shared<DownloadCache::Flight>(std::chrono::steady_clock::now())} {
        cache.flights_[sha256] = flight;
        ++cache.users_;
    }
    ~State() {
        end();
        --cache.users_;
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void got_on() { flight->progress_at = std::chrono::steady_clock::now(); }

    void end() {
        if (!flight) return;
        cache.flights_.erase(sha256);
        flight->has_ended = true;
        for (auto* waiting : flight->waiting)
            waiting->cancel();
        flight.reset();
        if (reserved) cache.index_.give_back(*reserved);
        if (part) cache.names_.post([dropped = std::move(part)] { dropped->drop(); });
    }

    void give_up(const std::optional<Result<>>& answer) {
        cache.trouble(answer ? answer->error().detail : "the disk does not answer");
        end();
    }
};

Keeper::Keeper(DownloadCache& cache, Sha256 sha256)
    : state_{std::make_unique<State>(cache, sha256)} {}
Keeper::~Keeper() = default;
Keeper::Keeper(Keeper&&) noexcept = default;

asio::awaitable<bool> Keeper::begin(std::uint64_t bytes) {
    auto& cache = state_->cache;
    auto to_go = cache.is_open_ && bytes != 0 ? cache.index_.reserve(bytes) : std::nullopt;
    if (!to_go) {
        state_->end();
        co_return false;
    }
    state_->reserved = bytes;
    state_->got_on();
    auto begun = co_await cache.names_.run(
        cache.options_.patience,
        [folder = cache.folder_, to_go = std::move(*to_go), sha256 = state_->sha256] {
            for (const auto& file : to_go)
                folder->remove(file);
            return folder->begin(sha256);
        });
    if (!begun || !*begun) {
        state_->give_up(begun ? std::optional<Result<>>{begun->error()} : std::nullopt);
        co_return false;
    }
    state_->part = std::move(**begun);
    co_return true;
}

asio::awaitable<void> Keeper::write(std::shared_ptr<const std::string> bytes) {
    if (!state_->part) co_return;
    auto& cache = state_->cache;
    state_->got_on();
    const auto written = co_await cache.contents_.run(
        cache.options_.patience,
        [part = state_->part, bytes = std::move(bytes)] { return part->write(*bytes); });
    if (!written || !*written) state_->give_up(written);
}

asio::awaitable<void> Keeper::keep() {
    if (!state_->part) co_return;
    auto& cache = state_->cache;
    state_->got_on();
    const auto kept = co_await cache.names_.run(cache.options_.patience,
                                                [part = state_->part] { return part->keep(); });
    if (!kept || !*kept) {
        state_->give_up(kept);
        co_return;
    }
    cache.index_.settle(state_->sha256, *state_->reserved, std::chrono::steady_clock::now());
    state_->reserved.reset();
    state_->part.reset();
    state_->end();
}

}  // namespace prewarm::downloads
