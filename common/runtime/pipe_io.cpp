#include "common/runtime/pipe_io.hpp"

#include "common/runtime/wait.hpp"

namespace prewarm {

PipeWriter::~PipeWriter() {
    pipe_.on_space = nullptr;
    if (is_complete_) {
        pipe_.close();
    } else {
        pipe_.break_off();
    }
}

Task<> PipeWriter::write(std::span<const char> bytes, Deadline deadline) {
    asio::steady_timer room{co_await asio::this_coro::executor};
    pipe_.on_space = [&room] { room.cancel(); };
    struct Forget {
        BytePipe& pipe;
        ~Forget() { pipe.on_space = nullptr; }
    } forget{pipe_};
    while (!bytes.empty() && pipe_.write(bytes) == 0) {
        if (std::chrono::steady_clock::now() >= deadline)
            co_return Failure{FailureKind::transient, "nobody took the bytes in time"};
        room.expires_at(deadline);
        co_await wake_up(room);
    }
    co_return Result<>{};
}

asio::awaitable<std::size_t> read_some(BytePipe& pipe, std::span<char> into) {
    auto news = never(co_await asio::this_coro::executor);
    pipe.on_data = [&news] { news.cancel(); };
    struct Forget {
        BytePipe& pipe;
        ~Forget() { pipe.on_data = nullptr; }
    } forget{pipe};
    while (true) {
        const auto size = pipe.read(into);
        if (size != 0 || into.empty() || pipe.drained() || pipe.broken()) co_return size;
        co_await wake_up(news);
    }
}

}  // namespace prewarm
