/// The far end of a BytePipe.
#pragma once

#include <array>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/runtime/byte_pipe.hpp"

namespace prewarm::test {

/// Reads in small pieces until the pipe is drained or broken. Lives as long as it is read from.
struct PipeReader {
    BytePipe& pipe;
    std::string got{};

    boost::asio::awaitable<void> read_to_end() {
        std::array<char, 5000> piece{};
        while (!pipe.drained() && !pipe.broken()) {
            const auto size = pipe.read(piece);
            got.append(piece.data(), size);
            // A turn of the loop, in which it may be filled.
            co_await boost::asio::post(boost::asio::use_awaitable);
        }
    }
};

}  // namespace prewarm::test
