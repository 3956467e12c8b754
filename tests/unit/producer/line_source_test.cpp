#include "producer/line_source.hpp"

#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/run_to_end.hpp"
#include "tests/support/temporary_folder.hpp"

namespace prewarm::producer {
namespace {

using testing::ElementsAre;

asio::awaitable<std::vector<std::string>> all_lines(LineSource& source) {
    std::vector<std::string> lines;
    for (;;) {
        auto line = co_await source.next();
        EXPECT_TRUE(line);
        if (!line || !*line) co_return lines;
        EXPECT_EQ((*line)->number, lines.size() + 1);
        lines.push_back((*line)->text + ((*line)->too_long ? "..." : ""));
    }
}

class LineSourceTest : public testing::Test {
protected:
    std::vector<std::string> lines_of(const std::string& content, std::size_t longest = 1000) {
        auto source = LineSource::open(loop.get_executor(), folder.file("lines", content), longest);
        EXPECT_TRUE(source);
        return test::run_to_end(loop, all_lines(*source));
    }

    test::TemporaryFolder folder;
    asio::io_context loop;
};

TEST_F(LineSourceTest, NumbersLinesAndNeedsNoLastNewline) {
    EXPECT_THAT(lines_of("a\n\nb\r\nc"), ElementsAre("a", "", "b", "c"));
    EXPECT_THAT(lines_of("a\n"), ElementsAre("a"));
    EXPECT_THAT(lines_of(""), ElementsAre());
}

TEST_F(LineSourceTest, ReadsLinesThatAreLongerThanWhatIsReadAtOnce) {
    const std::string x(100'000, 'x');
    const std::string y(70'000, 'y');
    EXPECT_THAT(lines_of(x + "\n" + y + "\nz", 1'000'000), ElementsAre(x, y, "z"));
}

TEST_F(LineSourceTest, CutsLinesThatAreTooLongAndGoesOn) {
    EXPECT_THAT(lines_of("abcde\nabcdef\n" + std::string(200'000, 'x') + "\nab\n", 5),
                ElementsAre("abcde", "abcde...", "xxxxx...", "ab"));
}

TEST_F(LineSourceTest, SaysWhyAFileCannotBeOpened) {
    const auto source = LineSource::open(loop.get_executor(), folder.path() / "no", 5);
    ASSERT_FALSE(source);
    EXPECT_EQ(source.error().detail, "No such file or directory");
}

TEST_F(LineSourceTest, FailsOnAFolder) {
    auto source = LineSource::open(loop.get_executor(), folder.path(), 5);
    ASSERT_TRUE(source);
    const auto line = test::run_to_end(loop, source->next());
    ASSERT_FALSE(line);
    EXPECT_EQ(line.error().detail, "Is a directory");
}

/// Another file stands for stdin as long as it lives.
class AsStdin {
public:
    explicit AsStdin(int descriptor) : saved_{dup(STDIN_FILENO)} {
        dup2(descriptor, STDIN_FILENO);
        close(descriptor);
    }
    ~AsStdin() {
        dup2(saved_, STDIN_FILENO);
        close(saved_);
    }
    AsStdin(const AsStdin&) = delete;
    AsStdin& operator=(const AsStdin&) = delete;

private:
    int saved_;
};

TEST_F(LineSourceTest, WaitsForASlowPipeWithoutHoldingTheLoop) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const AsStdin redirected{ends[0]};
    auto source = LineSource::open(loop.get_executor(), "-", 1000);
    ASSERT_TRUE(source);
    // Each piece is written only when the loop is idle, which it is while the source waits.
    const std::vector<std::string> pieces{"fir", "st\nsec", "ond\n", "third"};
    std::vector<std::string> lines;
    asio::co_spawn(loop, all_lines(*source), [&](std::exception_ptr, std::vector<std::string> got) {
        lines = std::move(got);
    });
    for (const auto& piece : pieces) {
        loop.poll();
        EXPECT_TRUE(lines.empty());
        ASSERT_EQ(write(ends[1], piece.data(), piece.size()), static_cast<ssize_t>(piece.size()));
    }
    close(ends[1]);
    loop.run();
    EXPECT_THAT(lines, ElementsAre("first", "second", "third"));
}

}  // namespace
}  // namespace prewarm::producer
