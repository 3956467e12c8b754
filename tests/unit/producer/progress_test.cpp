#include "producer/progress.hpp"

#include <gtest/gtest.h>

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

TEST(ProgressLine, TellsRateAndRest) {
    EXPECT_EQ(
        progress_line({.files_done = 12, .files = 24, .bytes_done = 50, .bytes = 100}, 10s, 100),
        "[##########..........]  50%  12/24 files  50 B/100 B  5 B/s  ETA 10 s");
}

TEST(ProgressLine, ClaimsNoRateBeforeItKnowsOne) {
    EXPECT_EQ(progress_line({.files = 1, .bytes = 100}, 500ms, 100),
              "[....................]   0%  0/1 files  0 B/100 B");
    EXPECT_EQ(progress_line({.files = 1, .bytes_done = 50, .bytes = 100}, 500ms, 100),
              "[##########..........]  50%  0/1 files  50 B/100 B");
}

TEST(ProgressLine, StandsFilesOfNoBytesAndFilesThatGrow) {
    EXPECT_EQ(progress_line({.files_done = 1, .files = 1}, 10s, 100),
              "[....................]   0%  1/1 files  0 B/0 B");
    EXPECT_EQ(progress_line({.files = 1, .bytes_done = 200, .bytes = 100}, 10s, 100),
              "[####################] 100%  0/1 files  200 B/100 B  20 B/s  ETA 0 s");
}

TEST(ProgressLine, FitsTheTerminal) {
    EXPECT_EQ(progress_line({.files = 1, .bytes = 100}, 0s, 30), "[....................]   0%  0");
}

TEST(MessageProgressLine, TellsHowFarAndHowFast) {
    EXPECT_EQ(progress_line(MessageProgress{.done = 0, .all = 24}, 0ms, 80),
              "[....................]   0%  0/24 messages");
    EXPECT_EQ(progress_line(MessageProgress{.done = 12, .all = 24}, 3s, 80),
              "[##########..........]  50%  12/24 messages  4.0/s  ETA 3 s");
    EXPECT_EQ(progress_line(MessageProgress{.done = 12, .all = 24}, 3s, 10), "[#########");
}

}  // namespace
}  // namespace prewarm::producer
