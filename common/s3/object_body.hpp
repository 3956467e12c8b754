/// An object on its way to whoever wants it. Private to this module.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/http/client.hpp"
#include "common/s3/digest.hpp"
#include "common/s3/object_reader.hpp"
#include "common/s3/resume.hpp"

namespace prewarm::s3 {

/// Asks for the object, and for its rest when that breaks. It stays where it is: libcurl and the
/// pipe refer to it.
class OpenObject::Body {
public:
    Body(http::Client& client, Endpoint& endpoint, ObjectName object, Announced announced,
         ResumeLimits limits, Deadline deadline);
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    Task<> open();
    Task<> read_into(BytePipe& pipe);
    Task<std::string> read_all();

    std::chrono::microseconds first_byte() const { return first_byte_; }
    std::uint64_t size_bytes() const { return version_.size_bytes; }
    std::uint64_t taken_bytes() const { return taken_; }
    const std::string& etag() const { return version_.etag; }
    std::uint64_t resumes() const { return resumes_; }

private:
    Task<http::ResponseHead> ask(std::vector<http::Header> headers);
    Task<> download();
    Task<> wait_to_resume(Failure why);
    Task<> resume();
    Task<> take_what_comes();
    Task<> verified();
    Task<> write_tail(BytePipe& pipe);

    bool is_object(const http::ResponseHead& head) const;
    Result<bool> take(const http::ResponseHead& head, std::span<const char> piece);
    bool take_fresh(std::span<const char> piece);

    http::Client& client_;
    Endpoint& endpoint_;
    ObjectName object_;
    std::string what_;
    Announced announced_;
    Deadline deadline_;
    ResumePlan plan_;
    std::uint64_t resumes_ = 0;

    Version version_;
    std::chrono::microseconds first_byte_{0};

    BytePipe* pipe_ = nullptr;  ///< Where the object goes, if not into `held_`.
    bool is_wanted_ = false;    ///< The answer's head was looked at, and somebody reads.
    std::uint64_t at_ = 0;      ///< Where in the object the answer's next piece begins.
    std::uint64_t taken_ = 0;   ///< Of the object, over all answers.
    Digest digest_;
    std::string held_;  ///< The tail, or the whole object.
    std::string error_text_;
    std::optional<http::Exchange> exchange_;  ///< None between two tries.
};

}  // namespace prewarm::s3
