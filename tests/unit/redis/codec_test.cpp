#include "common/redis/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::redis {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

std::string encoded(const std::vector<std::string>& command) {
    std::string bytes;
    encode(command, bytes);
    return bytes;
}

TEST(Encode, WritesAnyBytes) {
    EXPECT_EQ(encoded({"PING"}), "*1\r\n$4\r\nPING\r\n");
    EXPECT_EQ(encoded({"SET", "a\r\nb", "\0\xFF"s, ""}),
              "*4\r\n$3\r\nSET\r\n$4\r\na\r\nb\r\n$2\r\n\0\xFF\r\n$0\r\n\r\n"s);
}

TEST(Encode, AddsToWhatIsThere) {
    std::string bytes{"before"};
    encode({"PING"}, bytes);
    EXPECT_EQ(bytes, "before*1\r\n$4\r\nPING\r\n");
}

/// What comes out of these bytes; the last is the failure, if there is one.
struct Read {
    std::vector<Reply> replies;
    std::string failure;
};

Read read(std::string_view bytes, std::size_t step, ReplyReader& reader) {
    Read got;
    while (!bytes.empty()) {
        const auto part = bytes.substr(0, step);
        bytes.remove_prefix(part.size());
        reader.feed(part);
        while (true) {
            auto next = reader.next();
            if (!next) {
                got.failure = next.error().detail;
                return got;
            }
            if (!*next) break;
            got.replies.push_back(std::move(**next));
        }
    }
    return got;
}

Read read(std::string_view bytes) {
    ReplyReader reader{1024};
    return read(bytes, bytes.size(), reader);
}

const std::string every_kind =
    "+OK\r\n"
    "-ERR no such thing\r\n"
    ":-42\r\n"
    "$-1\r\n"
    "$0\r\n\r\n"
    "$7\r\nbin\r\n\0x\r\n"
    "*0\r\n"
    "*-1\r\n"
    "*3\r\n$1\r\na\r\n*2\r\n:1\r\n-WRONGTYPE x\r\n$1\r\nb\r\n"s;

const std::vector<Reply> every_reply{
    {"OK"s},
    {Error{"ERR no such thing"}},
    {std::int64_t{-42}},
    {Nil{}},
    {""s},
    {"bin\r\n\0x"s},
    {Array{}},
    {Nil{}},
    {Array{{"a"s}, {Array{{std::int64_t{1}}, {Error{"WRONGTYPE x"}}}}, {"b"s}}}};

TEST(ReplyReader, ReadsEveryKind) {
    EXPECT_EQ(read(every_kind).replies, every_reply);
}

TEST(ReplyReader, ReadsThemHoweverTheyAreCut) {
    for (std::size_t step = 1; step < every_kind.size(); ++step) {
        ReplyReader reader{1024};
        EXPECT_EQ(read(every_kind, step, reader).replies, every_reply) << step;
    }
}

TEST(ReplyReader, RefusesWhatIsNoReply) {
    EXPECT_THAT(read("HTTP/1.1 400 Bad Request\r\n").failure, HasSubstr("cannot be read"));
    EXPECT_THAT(read("$-5\r\n").failure, HasSubstr("cannot be read"));
    EXPECT_THAT(read(":12x\r\n").failure, HasSubstr("cannot be read"));
    EXPECT_THAT(read("*99999999999999\r\n").failure, HasSubstr("cannot be read"));
}

TEST(ReplyReader, GoesOnRefusing) {
    ReplyReader reader{1024};
    EXPECT_THAT(read("?\r\n", 3, reader).failure, HasSubstr("cannot be read"));
    EXPECT_THAT(read("+OK\r\n", 5, reader).failure, HasSubstr("cannot be read"));
}

TEST(ReplyReader, DropsWhatWasReadOfABrokenReply) {
    const auto got = read("*2\r\n$1\r\na\r\n*2\r\n+b\r\n?\r\n");
    EXPECT_TRUE(got.replies.empty());
    EXPECT_THAT(got.failure, HasSubstr("cannot be read"));
}

TEST(ReplyReader, BoundsTheSizeOfAReply) {
    ReplyReader reader{100};
    EXPECT_EQ(read("$101\r\n" + std::string(50, 'x'), 10, reader).failure, "");
    EXPECT_EQ(read(std::string(60, 'x'), 10, reader).failure, "Redis: a reply is too large");
}

TEST(ReplyReader, BoundsEachReplyByItself) {
    ReplyReader reader{100};
    const std::string fits = "$50\r\n" + std::string(50, 'x') + "\r\n";
    for (int reply = 0; reply < 20; ++reply) {
        EXPECT_EQ(read(fits, 7, reader).replies.size(), 1U);
    }
}

TEST(ReplyReader, BelievesNoAnnouncedSize) {
    // An announced two thousand million values take no memory before they come.
    EXPECT_EQ(read("*2147483647\r\n:1\r\n").failure, "");
}

TEST(ReplyReader, BoundsTheValuesOfAReply) {
    ReplyReader reader{1024, 3};
    EXPECT_EQ(read("*2\r\n:1\r\n:2\r\n", 100, reader).replies.size(), 1U);
    EXPECT_EQ(read("*3\r\n:1\r\n:2\r\n:3\r\n", 100, reader).failure,
              "Redis: a reply has too many values");
}

TEST(ReplyReader, BoundsTheDepthOfAReply) {
    std::string deep;
    for (int level = 0; level < 20; ++level)
        deep += "*1\r\n";
    EXPECT_THAT(read(deep).failure, HasSubstr("depth"));
}

}  // namespace
}  // namespace prewarm::redis
