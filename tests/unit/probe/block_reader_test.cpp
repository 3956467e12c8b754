#include "common/probe/block_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/probe/memory_source.hpp"

namespace prewarm::probe {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

constexpr auto block = BlockReader::block_bytes;

class BlockReaderTest : public testing::Test {
protected:
    static std::string content(std::size_t size) {
        std::string bytes;
        for (std::size_t i = 0; bytes.size() < size; ++i)
            bytes += std::to_string(i) + ',';
        bytes.resize(size);
        return bytes;
    }

    std::string read(BlockReader& reader, std::uint64_t at, std::size_t size) {
        std::string got;
        std::vector<std::uint8_t> piece(size);
        reader.seek(at);
        while (got.size() < size) {
            const auto given = reader.read(std::span{piece}.first(size - got.size()));
            if (given == 0) break;
            got.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(given));
        }
        return got;
    }

    std::string bytes = content(40 * block + 17);
    MemorySource source{bytes};
};

TEST_F(BlockReaderTest, GivesWhatTheSourceHas) {
    BlockReader reader{source, 2 * bytes.size()};
    EXPECT_TRUE(read(reader, 0, bytes.size()) == bytes);
    EXPECT_EQ(read(reader, bytes.size() - 5, 100), bytes.substr(bytes.size() - 5));
    EXPECT_EQ(read(reader, 3 * block - 2, 4), bytes.substr(3 * block - 2, 4));
    EXPECT_EQ(read(reader, bytes.size() + 1'000'000, 1), "");
}

TEST_F(BlockReaderTest, MakesFewReadsOfManyThatFollowEachOther) {
    BlockReader reader{source, bytes.size()};
    for (std::size_t at = 0; at + 100 <= 7 * block; at += 100)
        read(reader, at, 100);
    EXPECT_THAT(source.reads,
                ElementsAre(Pair(0, block), Pair(block, 2 * block), Pair(3 * block, 4 * block)));
}

TEST_F(BlockReaderTest, AsksForNothingTwiceThatItStillHas) {
    BlockReader reader{source, bytes.size()};
    for (int i = 0; i < 10; ++i) {
        read(reader, 0, 10);
        read(reader, bytes.size() - 10, 10);
    }
    EXPECT_THAT(source.reads, SizeIs(2));
}

TEST_F(BlockReaderTest, NeverReadsMoreThanIsAllowed) {
    BlockReader reader{source, 5 * block + 1};
    EXPECT_TRUE(read(reader, 0, bytes.size()) == bytes.substr(0, 5 * block));
    EXPECT_EQ(source.read_bytes(), 5 * block);
    EXPECT_TRUE(reader.is_spent());
    EXPECT_FALSE(reader.failure());
    EXPECT_EQ(reader.furthest(), 5 * block);
    EXPECT_EQ(read(reader, block, 10), bytes.substr(block, 10)) << "what it has, it still gives";
}

TEST_F(BlockReaderTest, StopsAtAFailure) {
    source.fails_after = 1;
    BlockReader reader{source, bytes.size()};
    EXPECT_EQ(read(reader, 0, 2 * block), bytes.substr(0, block));
    EXPECT_EQ(reader.failure()->detail, "the source has failed");
    EXPECT_EQ(read(reader, 20 * block, 1), "");
    EXPECT_THAT(source.reads, SizeIs(2));
}

TEST_F(BlockReaderTest, ReadsNothingOfWhatIsBlank) {
    BlockReader reader{source, bytes.size()};
    reader.blank(block / 2, 30 * block);
    const auto got = read(reader, 0, 30 * block + 10);
    EXPECT_TRUE(got.starts_with(bytes.substr(0, block / 2)));
    EXPECT_TRUE(got.ends_with(bytes.substr(30 * block, 10)));
    EXPECT_THAT(got.substr(block / 2, 30 * block - block / 2), Each('\0'));
    EXPECT_THAT(source.reads, SizeIs(2));
}

}  // namespace
}  // namespace prewarm::probe
