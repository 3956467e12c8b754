#include "sandbox/r2/byte_range.hpp"

#include <gtest/gtest.h>

namespace prewarm::sandbox {
namespace {

using Range = std::variant<WholeObject, ByteRange, NotSatisfiable>;

struct Case {
    const char* header;
    std::uint64_t size;
    Range range;
};

void PrintTo(const Case& one, std::ostream* out) {
    *out << one.header << " of " << one.size;
}

class ByteRangeOf : public testing::TestWithParam<Case> {};

TEST_P(ByteRangeOf, IsAsRfc9110Says) {
    EXPECT_TRUE(byte_range_of(GetParam().header, GetParam().size) == GetParam().range);
}

INSTANTIATE_TEST_SUITE_P(
    Satisfiable, ByteRangeOf,
    testing::Values(Case{"bytes=0-0", 10, ByteRange{0, 0}}, Case{"bytes=0-9", 10, ByteRange{0, 9}},
                    Case{"bytes=2-", 10, ByteRange{2, 9}}, Case{"bytes=9-", 10, ByteRange{9, 9}},
                    Case{"bytes=5-99", 10, ByteRange{5, 9}},
                    Case{"bytes=5-18446744073709551615", 10, ByteRange{5, 9}},
                    Case{"bytes=-3", 10, ByteRange{7, 9}}, Case{"bytes=-99", 10, ByteRange{0, 9}}));

INSTANTIATE_TEST_SUITE_P(NotSatisfiable, ByteRangeOf,
                         testing::Values(Case{"bytes=10-", 10, NotSatisfiable{}},
                                         Case{"bytes=10-20", 10, NotSatisfiable{}},
                                         Case{"bytes=-0", 10, NotSatisfiable{}},
                                         Case{"bytes=0-", 0, NotSatisfiable{}},
                                         Case{"bytes=-1", 0, NotSatisfiable{}}));

INSTANTIATE_TEST_SUITE_P(
    Ignored, ByteRangeOf,
    testing::Values(Case{"bytes=5-2", 10, WholeObject{}}, Case{"bytes=a-2", 10, WholeObject{}},
                    Case{"bytes=1-b", 10, WholeObject{}}, Case{"bytes=1", 10, WholeObject{}},
                    Case{"bytes=-", 10, WholeObject{}}, Case{"bytes=", 10, WholeObject{}},
                    Case{"bytes=--1", 10, WholeObject{}}, Case{"items=0-1", 10, WholeObject{}},
                    Case{"bytes=0-1,3-4", 10, WholeObject{}},
                    Case{"bytes=99999999999999999999-", 10, WholeObject{}}));

TEST(ByteRange, IsTheWholeObjectWithoutAHeader) {
    EXPECT_TRUE(byte_range_of(std::nullopt, 10) == Range{WholeObject{}});
}

}  // namespace
}  // namespace prewarm::sandbox
