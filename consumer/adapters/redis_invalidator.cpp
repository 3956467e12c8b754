#include "consumer/adapters/redis_invalidator.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <utility>

#include "common/log/log.hpp"
#include "common/redis/keys.hpp"

namespace prewarm {
namespace {

/// A script keeps Redis from everybody else while it runs: some hundred microseconds for these.
constexpr std::size_t batch = 500;

/// KEYS: the version's, then those to forget. ARGV: the version, the channel. The version only
/// grows, whatever order two instances come in; what is there instead of a number is replaced.
constexpr auto forget = R"lua(
for i = 2, #KEYS do
    redis.call('UNLINK', KEYS[i])
    redis.call('PUBLISH', ARGV[2], KEYS[i])
end
local known = redis.pcall('GET', KEYS[1])
known = type(known) == 'string' and tonumber(known)
if not known or known < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], ARGV[1])
end
)lua";

/// KEYS: the set. ARGV: how many members at most, the channel. How many there were; -1: no set.
///
/// A member leaves the set in the same instant in which its key goes. Had it left before, a crash
/// in between would let the key live for ever; had it stayed until the whole set is deleted, a
/// member added meanwhile would go with it and its key would live on. A set without members is gone
/// by itself.
constexpr auto forget_members = R"lua(
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'set' then
    return kind == 'none' and 0 or -1
end
local members = redis.call('SPOP', KEYS[1], ARGV[1])
for _, member in ipairs(members) do
    redis.call('UNLINK', member)
    redis.call('PUBLISH', ARGV[2], member)
end
return #members
)lua";

}  // namespace

std::string expand_cache_key(std::string_view key_template, const MediaKey& media) {
    const std::array<std::pair<std::string_view, std::string>, 3> values{
        {{"{bot_slug}", media.bot_slug},
         {"{sha256}", media.sha256.hex()},
         {"{kind}", std::string{name_of(media.kind)}}}};
    std::string key;
    while (!key_template.empty()) {
        const auto found = std::ranges::find_if(
            values, [&](const auto& value) { return key_template.starts_with(value.first); });
        if (found == values.end()) {
            key += key_template.front();
            key_template.remove_prefix(1);
        } else {
            key += found->second;
            key_template.remove_prefix(found->first.size());
        }
    }
    return key;
}

RedisInvalidator::RedisInvalidator(redis::Connection& connection,
                                   std::vector<std::string> key_templates)
    : connection_{connection}, key_templates_{std::move(key_templates)} {}

Task<> RedisInvalidator::invalidate(const ReadyMedia& ready) {
    const auto forgotten = co_await forget_keys(ready);
    if (!forgotten) co_return forgotten.error();
    for (const auto& tag : ready.cache_tags) {
        const auto members = co_await forget_members_of(tag);
        if (!members) co_return members.error();
    }
    co_return Result<>{};
}

Task<> RedisInvalidator::forget_keys(const ReadyMedia& ready) {
    static const redis::Script script{forget};
    std::vector<std::string> keys{redis::media_key(ready.media)};
    for (const auto& key_template : key_templates_)
        keys.push_back(expand_cache_key(key_template, ready.media));
    std::ranges::copy(ready.cache_keys, std::back_inserter(keys));

    for (std::span<const std::string> left{keys}; !left.empty();) {
        const auto some = left.first(std::min(batch, left.size()));
        left = left.subspan(some.size());
        std::vector<std::string> arguments{redis::version_key(ready.media)};
        std::ranges::copy(some, std::back_inserter(arguments));
        const auto done = co_await connection_.eval(
            script, std::move(arguments),
            {std::to_string(ready.version), std::string{redis::invalidated_channel}});
        if (!done) co_return done.error();
    }
    co_return Result<>{};
}

Task<> RedisInvalidator::forget_members_of(std::string tag) {
    static const redis::Script script{forget_members};
    while (true) {
        const auto reply = co_await connection_.eval(
            script, {tag}, {std::to_string(batch), std::string{redis::invalidated_channel}});
        if (!reply) co_return reply.error();
        const auto* members = reply->integer();
        if (members == nullptr) {
            co_return Failure{FailureKind::transient, "Redis: a script was answered wrongly"};
        }
        if (*members < 0) {
            log::warn("invalidate.tag_is_no_set", "a cache tag names something that is no set",
                      {{"tag", tag}});
        }
        // A full page: there may be more.
        if (*members < static_cast<std::int64_t>(batch)) co_return Result<>{};
    }
}

}  // namespace prewarm
