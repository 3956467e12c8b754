/// What Telegram never takes, whatever is tried.
#pragma once

#include <cstdint>

#include "common/base/failure.hpp"
#include "common/base/media.hpp"

namespace prewarm::telegram {

/// Whose Bot API server: Telegram's own, or one that runs with `--local`.
enum class Server : std::uint8_t { cloud, local };

/// TDLib, FileLoaderUtils.cpp.
inline constexpr std::uint64_t most_photo_bytes = 10'485'760;
/// "Bots can currently send files of up to 50 MB in size": the front proxy's limit on a request.
/// Whether it means 50,000,000 is not documented, so what lies between is left to its answer.
inline constexpr std::uint64_t most_cloud_bytes = 52'428'800;
/// TDLib, PartsManager.h: 4000 parts of 512 KiB.
inline constexpr std::uint64_t most_local_bytes = 2'097'152'000;

/// BA's default (server option `video_note_size_max`).
inline constexpr std::uint64_t most_video_note_bytes = 12'582'912;

/// Of a file of this kind. A sticker that is too large for one comes back as a document.
std::uint64_t most_bytes(MediaKind kind, Server server);

/// `too_large`, or `refused` for an empty file.
Result<> check_size(MediaKind kind, std::uint64_t bytes, Server server);

}  // namespace prewarm::telegram
