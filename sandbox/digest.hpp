/// A digest of bytes that come in pieces.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <openssl/evp.h>

#include "common/base/media.hpp"

namespace prewarm::sandbox {

class Digest {
public:
    static Digest md5() { return Digest{EVP_md5()}; }
    static Digest sha256() { return Digest{EVP_sha256()}; }

    void update(std::span<const char> bytes);
    std::string raw();   ///< Ends it.
    std::string hex();   ///< Ends it.
    Sha256 as_sha256();  ///< Ends it; of `sha256()` only.

private:
    explicit Digest(const EVP_MD* algorithm);

    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace prewarm::sandbox
