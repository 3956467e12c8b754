/// SHA-256 of bytes that come in pieces.
#pragma once

#include <memory>
#include <span>

#include <openssl/types.h>

#include "common/base/media.hpp"

namespace prewarm::s3 {

class Digest {
public:
    Digest();

    void update(std::span<const char> bytes);
    /// Of all that was given. Call once; only destruction may follow.
    Sha256 finish();

private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const;
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace prewarm::s3
