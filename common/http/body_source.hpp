/// The bytes of a request, as libcurl asks for them. Private to this module.
#pragma once

#include <cstddef>
#include <cstdint>

#include <curl/curl.h>

#include "common/http/client_request.hpp"

namespace prewarm::http {

/// Gives what its content holds, never more than was promised: libcurl would send it, and the
/// server would take the excess for a second request. Content that ends early breaks the request
/// off: libcurl would wait for the rest for ever.
class BodySource {
public:
    /// Whose request it is.
    class Owner {
    public:
        virtual void on_given() = 0;
        virtual void on_rewound() = 0;  ///< It is given again, on a new connection.
        virtual void on_dry() = 0;      ///< Nothing to give yet: the request is paused.
        virtual void on_data() = 0;     ///< It is worth trying again. From within a pipe's calls.

    protected:
        ~Owner() = default;
    };

    BodySource(Content content, Owner& owner);
    ~BodySource();
    BodySource(const BodySource&) = delete;
    BodySource& operator=(const BodySource&) = delete;

    std::uint64_t size_bytes() const { return size_; }
    bool is_spent() const { return given_ == size_; }

    /// CURLOPT_READFUNCTION and CURLOPT_SEEKFUNCTION, with the source as their argument.
    static std::size_t on_read(char* into, std::size_t size, std::size_t count, void* self);
    static int on_seek(void* self, curl_off_t offset, int origin);

private:
    std::size_t read(std::span<char> into);
    int seek(std::uint64_t offset);

    Content content_;
    Owner& owner_;
    std::uint64_t size_ = 0;
    std::uint64_t given_ = 0;
};

}  // namespace prewarm::http
