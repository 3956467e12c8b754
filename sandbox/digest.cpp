#include "sandbox/digest.hpp"

#include <new>

#include <boost/algorithm/hex.hpp>

namespace prewarm::sandbox {

Digest::Digest(const EVP_MD* algorithm) : context_{EVP_MD_CTX_new()} {
    if (!context_ || EVP_DigestInit_ex(context_.get(), algorithm, nullptr) != 1)
        throw std::bad_alloc{};
}

void Digest::update(std::span<const char> bytes) {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string Digest::raw() {
    std::string digest(EVP_MAX_MD_SIZE, '\0');
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
    digest.resize(size);
    return digest;
}

std::string Digest::hex() {
    return boost::algorithm::hex_lower(raw());
}

Sha256 Digest::as_sha256() {
    return sha256_from_bytes(raw()).value();
}

}  // namespace prewarm::sandbox
