#include "producer/object_digest.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include "common/s3/digest.hpp"

namespace prewarm::producer {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t piece_bytes = 64 * 1024;
constexpr auto read_time = 1h;  // The client gives a dead connection up much earlier.

/// A pipe's other end, which takes everything at once.
class Reader {
public:
    explicit Reader(BytePipe& pipe) : pipe_{pipe} {
        pipe.on_data = [this] { take(); };
        take();
    }

    ObjectDigest finish() { return {.sha256 = digest_.finish(), .bytes = bytes_}; }

private:
    void take() {
        while (const auto size = pipe_.read(piece_)) {
            digest_.update(std::span{piece_}.first(size));
            bytes_ += size;
        }
    }

    BytePipe& pipe_;
    std::vector<char> piece_ = std::vector<char>(piece_bytes);
    s3::Digest digest_;
    std::uint64_t bytes_ = 0;
};

}  // namespace

Task<ObjectDigest> digest_of(s3::ObjectReader& reader, s3::ObjectName object,
                             s3::Announced announced) {
    auto opened = co_await reader.open(std::move(object), announced, deadline_in(read_time));
    if (!opened) co_return opened.error();
    BytePipe pipe{piece_bytes};
    Reader taking{pipe};
    const auto read = co_await opened->read_into(pipe);
    if (!read) co_return read.error();
    co_return taking.finish();
}

}  // namespace prewarm::producer
