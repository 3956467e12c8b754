#include "common/s3/digest.hpp"

#include <new>

#include <openssl/evp.h>

namespace prewarm::s3 {

void Digest::Free::operator()(EVP_MD_CTX* context) const {
    EVP_MD_CTX_free(context);
}

Digest::Digest() : context_{EVP_MD_CTX_new()} {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc{};
}

void Digest::update(std::span<const char> bytes) {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

Sha256 Digest::finish() {
    Sha256 sha256;
    EVP_DigestFinal_ex(context_.get(), sha256.bytes.data(), nullptr);
    return sha256;
}

}  // namespace prewarm::s3
