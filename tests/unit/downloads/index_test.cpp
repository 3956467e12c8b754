#include "common/downloads/index.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prewarm::downloads {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;

constexpr std::uint64_t block = 4096;

class IndexTest : public testing::Test {
protected:
    void put(const Sha256& sha256, std::uint64_t bytes, Index::Time used) {
        ASSERT_TRUE(index.reserve(bytes));
        index.settle(sha256, bytes, used);
    }
    std::uint64_t id_of(const Sha256& sha256) { return index.find(sha256, now).value().id; }
    bool has(const Sha256& sha256) { return index.find(sha256, now).has_value(); }

    Index index{{.most_bytes = 10 * block, .ttl = 60s, .most_files = 4}};
    Index::Time now{1000s};
    Sha256 a = sha256_of("a");
    Sha256 b = sha256_of("b");
    Sha256 c = sha256_of("c");
};

TEST_F(IndexTest, FindsWhatWasSettled) {
    put(a, 5000, now);
    EXPECT_EQ(index.find(a, now).value().bytes, 5000U);
    EXPECT_FALSE(index.find(b, now));
}

TEST_F(IndexTest, CountsWholeBlocks) {
    put(a, 1, now);
    put(b, block + 1, now);
    EXPECT_EQ(index.taken_bytes(), 3 * block);
}

TEST_F(IndexTest, MakesRoomByWhatWasUsedLongestAgo) {
    put(a, 4 * block, now);
    put(b, 4 * block, now + 1s);
    EXPECT_TRUE(index.find(a, now + 2s));
    EXPECT_THAT(index.reserve(3 * block), Optional(ElementsAre(b)));
    EXPECT_EQ(index.taken_bytes(), 7 * block);
}

TEST_F(IndexTest, RemovesNothingIfThatWouldNotDo) {
    put(a, 4 * block, now);
    ASSERT_TRUE(index.reserve(5 * block));  // It is being written.
    EXPECT_FALSE(index.reserve(6 * block));
    EXPECT_TRUE(has(a));
    EXPECT_EQ(index.taken_bytes(), 9 * block);
}

TEST_F(IndexTest, HasNoRoomForWhatIsLargerThanAll) {
    EXPECT_TRUE(index.could_hold(10 * block));
    EXPECT_FALSE(index.could_hold(10 * block + 1));
    EXPECT_FALSE(index.reserve(10 * block + 1));
    EXPECT_EQ(index.taken_bytes(), 0U);
}

TEST_F(IndexTest, KeepsWhatIsBeingRead) {
    put(a, 5 * block, now);
    put(b, 5 * block, now);
    index.begin_reading(a, id_of(a));
    EXPECT_THAT(index.reserve(5 * block), Optional(ElementsAre(b)));
    EXPECT_FALSE(index.reserve(block));
    EXPECT_THAT(index.forget_old(now + 2min), IsEmpty());
    index.end_reading(a, id_of(a));
    EXPECT_THAT(index.forget_old(now + 2min), ElementsAre(a));
}

TEST_F(IndexTest, TakesBackTheRoomOfWhatDoesNotCome) {
    ASSERT_TRUE(index.reserve(10 * block));
    index.give_back(10 * block);
    EXPECT_EQ(index.taken_bytes(), 0U);
    EXPECT_TRUE(index.reserve(10 * block));
}

TEST_F(IndexTest, HoldsNoMoreFilesThanItMay) {
    for (const auto* text : {"1", "2", "3"})
        put(sha256_of(text), 1, now);
    ASSERT_TRUE(index.reserve(1));  // The fourth, to come.
    EXPECT_THAT(index.reserve(1), Optional(ElementsAre(sha256_of("1"))));
}

TEST_F(IndexTest, ForgetsWhatWasNotUsedForLong) {
    put(a, 1, now);
    put(b, 1, now + 1s);
    EXPECT_TRUE(index.find(a, now + 59s));
    EXPECT_THAT(index.forget_old(now + 61s), ElementsAre(b));
    EXPECT_EQ(index.taken_bytes(), block);
}

TEST_F(IndexTest, DoesNotFindWhatIsTooOldAndTakesAnotherInItsPlace) {
    put(a, 3 * block, now);
    now += 60s;
    EXPECT_FALSE(has(a));
    put(a, block, now);
    EXPECT_TRUE(has(a));
    EXPECT_EQ(index.taken_bytes(), block);
    EXPECT_EQ(index.size(), 1U);
}

TEST_F(IndexTest, ForgetsOnlyTheFileThatIsMeant) {
    put(a, 1, now);
    const auto broken = id_of(a);
    EXPECT_TRUE(index.forget(a, broken));
    EXPECT_FALSE(index.forget(a, broken));
    put(a, 1, now);
    EXPECT_FALSE(index.forget(a, broken));
    index.end_reading(a, broken);  // Of the one before.
    EXPECT_TRUE(has(a));
}

}  // namespace
}  // namespace prewarm::downloads
