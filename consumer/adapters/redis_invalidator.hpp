/// Makes the caches of others forget what they hold of a media (contract, section 5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/redis/connection.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// `{bot_slug}`, `{sha256}` and `{kind}` are replaced; other braces are the key's own.
std::string expand_cache_key(std::string_view key_template, const MediaKey& media);

/// Works on one Redis node: the members of a tag may be anywhere. `connection` outlives it.
///
/// Once `invalidate` has succeeded, the media's keys, those of its tags and those made from the
/// templates are gone and published, and no answer older than this version can be cached. It may
/// be repeated. A tag that is no set is told about in the log and left alone: no media waits for
/// somebody to mend it.
class RedisInvalidator : public warm::Invalidator {
public:
    RedisInvalidator(redis::Connection& connection, std::vector<std::string> key_templates);

    Task<> invalidate(const ReadyMedia& ready) override;

private:
    Task<> forget_keys(const ReadyMedia& ready);
    Task<> forget_members_of(std::string tag);

    redis::Connection& connection_;
    std::vector<std::string> key_templates_;
};

}  // namespace prewarm
