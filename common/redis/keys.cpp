#include "common/redis/keys.hpp"

namespace prewarm::redis {
namespace {

/// Braces make a Redis Cluster keep both keys of a media on one node.
std::string tagged(std::string_view prefix, const MediaKey& media) {
    std::string key{prefix};
    key += '{' + media.bot_slug + ':' + media.sha256.hex() + ':';
    key += name_of(media.kind);
    return key + '}';
}

}  // namespace

std::string media_key(const MediaKey& media) {
    return tagged("prewarm:media:", media);
}

std::string version_key(const MediaKey& media) {
    return tagged("prewarm:version:", media);
}

}  // namespace prewarm::redis
