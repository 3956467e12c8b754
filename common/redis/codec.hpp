/// Redis' protocol: commands to bytes, and bytes to replies, by hiredis. No I/O.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/redis/reply.hpp"

struct redisReader;

namespace prewarm::redis {

/// Appends one command to `out`. Any bytes may be in its arguments.
void encode(const std::vector<std::string>& command, std::string& out);

/// Makes replies of a stream's bytes. After a failure the stream's place is lost: it is of no use
/// any more.
class ReplyReader {
public:
    /// A reply may take so many bytes on the wire, and have so many values in all.
    explicit ReplyReader(std::size_t max_bytes, std::size_t max_values = 1'000'000);
    ~ReplyReader();
    ReplyReader(const ReplyReader&) = delete;
    ReplyReader& operator=(const ReplyReader&) = delete;

    /// Takes all of them. Ask for replies until there are none before giving more.
    void feed(std::span<const char> bytes);

    /// The next whole reply; nothing when more bytes are needed. `unavailable` when they are no
    /// replies, nest deeper than seven arrays, or the reply is too large.
    Result<std::optional<Reply>> next();

private:
    struct Close {
        void operator()(redisReader* reader) const;
    };

    std::unique_ptr<redisReader, Close> reader_;
    std::size_t max_bytes_;
    std::size_t max_values_;
    std::size_t unfinished_bytes_ = 0;  ///< Fed since the last whole reply.
    std::size_t values_left_;           ///< How many more the reply that is being read may have.
};

}  // namespace prewarm::redis
