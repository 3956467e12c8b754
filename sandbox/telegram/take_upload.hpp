/// What Telegram makes of a new file: the checks it must pass, and how it is stored.
#pragma once

#include "sandbox/telegram/api_error.hpp"
#include "sandbox/telegram/file_register.hpp"
#include "sandbox/telegram/form.hpp"

namespace prewarm::sandbox {

/// Above this Telegram does not look into a file that a bot sends: it stays what it is declared to
/// be.
inline constexpr std::uint64_t analysed_bytes = 10ULL * 1024 * 1024;

/// Whether Telegram looks into files: it then gives some another kind, and refuses bytes that are
/// no photo. Otherwise any bytes are what they are said to be.
enum class Looking : std::uint8_t { off, on };

/// `file` is sent as `kind`, declared by `form`'s parameters.
ApiResult<StoredFile> take_upload(const Form& form, MediaKind kind, const SentFile& file,
                                  Looking looking);

/// A file that Telegram fetched for a request that asks for `kind`. Nothing is declared of it.
struct FetchedFile {
    SentFile file;
    std::string mime_type;  ///< As its server says.
};
ApiResult<StoredFile> take_fetched(MediaKind kind, const FetchedFile& fetched);

}  // namespace prewarm::sandbox
