/// `multipart/form-data` in pieces of any size, with flat memory and without I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/failure.hpp"
#include "sandbox/telegram/multipart_header.hpp"

namespace prewarm::sandbox {

/// Told of a body's parts in the order they come.
class MultipartSink {
public:
    virtual ~MultipartSink() = default;
    virtual void begin_part(PartHeader header) = 0;
    /// The part's next bytes, any number of times; valid during the call.
    virtual void part_bytes(std::string_view bytes) = 0;
    virtual void end_part() = 0;
};

/// Strict where Telegram's own reader is: a body that ends early, a closing boundary without any
/// part, and a part without a name are refused.
class MultipartParser {
public:
    /// `sink` outlives this.
    MultipartParser(std::string_view boundary, MultipartSink& sink);

    /// `refused` when this can be no multipart body; then nothing more may be fed.
    Result<> feed(std::string_view bytes);
    /// Call at the end of the body: `refused` when the closing boundary has not come.
    Result<> finish() const;

private:
    enum class State : std::uint8_t { prologue, after_boundary, header, content, epilogue };

    std::string_view take_content(std::string_view bytes);
    void give(std::string_view bytes);
    void end_content();
    Result<std::string_view> take_after_boundary(std::string_view bytes);
    Result<std::string_view> take_header(std::string_view bytes);

    MultipartSink& sink_;
    std::string delimiter_;  ///< CR LF, two dashes and the boundary.
    State state_ = State::prologue;
    std::size_t matched_ = 2;  ///< Of the delimiter, at the end of what was fed. The very
                               ///< first boundary needs no CR LF before it.
    std::string line_;         ///< The part's header so far, or what follows a boundary.
    bool any_part_ = false;
};

}  // namespace prewarm::sandbox
