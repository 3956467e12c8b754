#include "common/downloads/cached_object.hpp"

#include "common/downloads/download_cache.hpp"
#include "common/runtime/pipe_io.hpp"

namespace prewarm::downloads {

struct CachedObject::State {
    DownloadCache& cache;
    Sha256 sha256;
    std::uint64_t id;
    std::uint64_t bytes;
    std::shared_ptr<Copy> copy{};

    State(DownloadCache& of, Sha256 content, std::uint64_t file, std::uint64_t size)
        : cache{of}, sha256{content}, id{file}, bytes{size} {
        cache.index_.begin_reading(sha256, id);
        ++cache.users_;
    }
    ~State() {
        --cache.users_;
        cache.index_.end_reading(sha256, id);
        // Closing it may be what frees its blocks.
        cache.names_.post([closed = std::move(copy)] {});
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

CachedObject::CachedObject(DownloadCache& cache, Sha256 sha256, std::uint64_t id,
                           std::uint64_t bytes)
    : state_{std::make_unique<State>(cache, sha256, id, bytes)} {}
CachedObject::~CachedObject() = default;
CachedObject::CachedObject(CachedObject&&) noexcept = default;

std::uint64_t CachedObject::size_bytes() const {
    return state_->bytes;
}

Task<std::string> CachedObject::read_all() {
    return next(static_cast<std::size_t>(state_->bytes));
}

Task<> CachedObject::read_into(BytePipe& pipe, std::size_t piece_bytes, Deadline deadline) {
    PipeWriter writer{pipe};
    for (std::uint64_t given = 0; given < state_->bytes;) {
        auto piece = co_await next(piece_bytes);
        if (!piece) co_return piece.error();
        given += piece->size();
        auto written = co_await writer.write(*piece, deadline);
        if (!written) co_return written.error();
    }
    writer.close();
    co_return Result<>{};
}

asio::awaitable<bool> CachedObject::open() {
    auto& cache = state_->cache;
    auto copy = co_await cache.names_.run(
        cache.options_.patience,
        [folder = cache.folder_, sha256 = state_->sha256, bytes = state_->bytes] {
            return folder->open_copy(sha256, bytes);
        });
    if (!copy || !*copy) {
        give_up(std::move(copy));
        co_return false;
    }
    state_->copy = std::move(**copy);
    co_return true;
}

Task<std::string> CachedObject::next(std::size_t most) {
    auto& cache = state_->cache;
    auto bytes = co_await cache.contents_.run(
        cache.options_.patience, [copy = state_->copy, most] { return copy->next(most); });
    if (!bytes || !*bytes) co_return give_up(std::move(bytes));
    co_return std::move(**bytes);
}

template <class T>
Failure CachedObject::give_up(std::optional<Result<T>> answer) {
    auto why = answer ? std::move(answer->error())
                      : Failure{FailureKind::unavailable, "the disk does not answer"};
    state_->cache.give_up(state_->sha256, state_->id, why);
    return why;
}

}  // namespace prewarm::downloads
