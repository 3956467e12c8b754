#include "common/runtime/pipe_io.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gtest/gtest.h>

#include "tests/support/pipe_reader.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

class PipeIo : public testing::Test {
protected:
    /// In pieces that do not fit the pipe.
    static asio::awaitable<void> write_all(BytePipe& pipe, std::string text) {
        PipeWriter writer{pipe};
        for (std::size_t at = 0; at < text.size(); at += 7) {
            const auto piece = text.substr(at, 7);
            EXPECT_TRUE(co_await writer.write(piece, Deadline::max()));
        }
        writer.close();
    }

    asio::io_context loop;
    BytePipe pipe{4};
};

TEST_F(PipeIo, EndsWaitForOneAnother) {
    std::string text;
    for (int i = 0; i < 1000; ++i)
        text += std::to_string(i);
    asio::co_spawn(loop, write_all(pipe, text), asio::detached);
    std::string got;
    test::run_to_end(loop, [](BytePipe& from, std::string& into) -> asio::awaitable<void> {
        std::array<char, 5> piece{};
        while (const auto size = co_await read_some(from, piece))
            into.append(piece.data(), size);
    }(pipe, got));
    EXPECT_EQ(got, text);
    EXPECT_TRUE(pipe.drained());
}

TEST_F(PipeIo, BreaksOffWhatWasNotClosed) {
    {
        PipeWriter writer{pipe};
    }
    EXPECT_TRUE(pipe.broken());
}

TEST_F(PipeIo, ReadsNothingFromABrokenPipe) {
    pipe.break_off();
    std::array<char, 5> piece{};
    EXPECT_EQ(test::run_to_end(loop, read_some(pipe, piece)), 0U);
}

TEST_F(PipeIo, WritesNoLongerThanItsTime) {
    PipeWriter writer{pipe};
    ASSERT_TRUE(test::run_to_end(loop, writer.write(std::string_view{"full"}, Deadline::max())));
    const auto late = test::run_to_end(loop, writer.write(std::string_view{"x"}, Deadline{}));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, FailureKind::transient);
}

TEST_F(PipeIo, CancellingAWriterBreaksThePipe) {
    asio::cancellation_signal cancel;
    bool was_thrown = false;
    asio::co_spawn(loop, write_all(pipe, "more than there is room for"),
                   asio::bind_cancellation_slot(cancel.slot(), [&](const std::exception_ptr& e) {
                       was_thrown = e != nullptr;
                   }));
    asio::post(loop, [&] { cancel.emit(asio::cancellation_type::terminal); });
    loop.run();
    EXPECT_TRUE(was_thrown);
    EXPECT_TRUE(pipe.broken());
}

}  // namespace
}  // namespace prewarm
