/// A download that goes to the disk as it passes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/media.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::downloads {

class DownloadCache;

/// Others who need the object wait until it is kept, or this is gone or gives up. Nothing of it
/// fails: where the disk does, it gives up, and the calls that follow do nothing.
class Keeper {
public:
    Keeper(DownloadCache& cache, Sha256 sha256);
    ~Keeper();
    Keeper(Keeper&&) noexcept;
    Keeper& operator=(Keeper&&) = delete;

    /// To be called first. False if there is no room for so many bytes, or trouble: it gives up.
    asio::awaitable<bool> begin(std::uint64_t bytes);
    asio::awaitable<void> write(std::shared_ptr<const std::string> bytes);
    /// All bytes were written, and are known to be the right ones.
    asio::awaitable<void> keep();

private:
    struct State;

    std::unique_ptr<State> state_;
};

}  // namespace prewarm::downloads
