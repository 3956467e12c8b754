#include "producer/arguments.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/base/media.hpp"
#include "common/base/text.hpp"

namespace prewarm::producer {
namespace {

std::string kinds() {
    std::array<std::string_view, all_media_kinds.size()> names;
    std::ranges::transform(all_media_kinds, names.begin(),
                           [](MediaKind kind) { return name_of(kind); });
    return fmt::format("{}", fmt::join(names, ", "));
}

std::string wrong_with_bot(const std::string& text) {
    if (is_bot_slug(text)) return {};
    return fmt::format(
        "`{}` is no bot slug: 1 to 64 of a-z, 0-9, `_` and `-`, the first a letter or digit",
        printable(text, 80));
}

std::string wrong_with_sha256(const std::string& text) {
    if (sha256_from_hex(text)) return {};
    return fmt::format("`{}` is no SHA-256: 64 hex digits, as sha256sum prints them",
                       printable(text, 80));
}

std::string wrong_with_kind(const std::string& text) {
    if (media_kind_named(text)) return {};
    return fmt::format("`{}` is no kind of media; those are {}", printable(text, 80), kinds());
}

}  // namespace

CLI::Option* add_bot(CLI::App& command, const std::string& name, std::string& slug,
                     const std::string& description) {
    return command.add_option(name, slug, description)->check(wrong_with_bot)->type_name("BOT");
}

CLI::Option* add_sha256(CLI::App& command, const std::string& name, std::string& hex) {
    return command.add_option(name, hex, "Of the object's content, as sha256sum prints it")
        ->check(wrong_with_sha256)
        ->type_name("HEX");
}

CLI::Option* add_kind(CLI::App& command, const std::string& name, std::string& kind,
                      const std::string& description) {
    return command.add_option(name, kind, description + ": " + kinds())
        ->check(wrong_with_kind)
        ->type_name("KIND");
}

void add_event_options(CLI::App& command, std::string& bucket, std::int64_t& chat,
                       std::vector<std::string>& cache_keys, std::vector<std::string>& cache_tags) {
    command.add_option("--bucket", bucket, "Instead of R2_BUCKET");
    command.add_option("--chat", chat, "Where to send it, instead of the bot's storage chats")
        ->type_name("ID");
    command
        .add_option("--cache-key", cache_keys, "A Redis key to delete once ready; may be repeated")
        ->allow_extra_args(false)
        ->type_name("KEY");
    command.add_option("--cache-tag", cache_tags, "A Redis set of such keys; may be repeated")
        ->allow_extra_args(false)
        ->type_name("KEY");
}

}  // namespace prewarm::producer
