#include "common/telegram/limits.hpp"

#include <fmt/format.h>

namespace prewarm::telegram {

std::uint64_t most_bytes(MediaKind kind, Server server) {
    if (kind == MediaKind::photo) return most_photo_bytes;
    if (kind == MediaKind::video_note) return most_video_note_bytes;
    return server == Server::cloud ? most_cloud_bytes : most_local_bytes;
}

Result<> check_size(MediaKind kind, std::uint64_t bytes, Server server) {
    if (bytes == 0) return Failure{FailureKind::refused, "Telegram takes no empty files"};
    const auto most = most_bytes(kind, server);
    if (bytes > most) {
        return Failure{FailureKind::too_large,
                       fmt::format("{} bytes are too many for a {}: Telegram takes {}", bytes,
                                   name_of(kind), most)};
    }
    return {};
}

}  // namespace prewarm::telegram
