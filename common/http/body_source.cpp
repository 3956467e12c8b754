#include "common/http/body_source.hpp"

#include <algorithm>
#include <cstdio>

namespace prewarm::http {

BodySource::BodySource(Content content, Owner& owner)
    : content_{std::move(content)}, owner_{owner} {
    if (const auto* text = std::get_if<std::string>(&content_)) {
        size_ = text->size();
    } else if (const auto* file = std::get_if<FileBytes>(&content_)) {
        size_ = file->size_bytes;
    } else {
        const auto& piped = std::get<PipedBytes>(content_);
        size_ = piped.size_bytes;
        piped.pipe->on_data = [this] { owner_.on_data(); };
    }
}

BodySource::~BodySource() {
    if (const auto* piped = std::get_if<PipedBytes>(&content_)) piped->pipe->on_data = nullptr;
}

std::size_t BodySource::on_read(char* into, std::size_t size, std::size_t count, void* self) {
    return static_cast<BodySource*>(self)->read({into, size * count});
}

int BodySource::on_seek(void* self, curl_off_t offset, int origin) {
    if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
    return static_cast<BodySource*>(self)->seek(static_cast<std::uint64_t>(offset));
}

std::size_t BodySource::read(std::span<char> into) {
    const auto left = size_ - given_;
    if (left == 0) return 0;
    into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left)));

    std::size_t got = 0;
    if (const auto* text = std::get_if<std::string>(&content_)) {
        got = text->copy(into.data(), into.size(), static_cast<std::size_t>(given_));
    } else if (const auto* file = std::get_if<FileBytes>(&content_)) {
        file->file->read(into.data(), static_cast<std::streamsize>(into.size()));
        got = static_cast<std::size_t>(file->file->gcount());
    } else {
        auto& pipe = *std::get<PipedBytes>(content_).pipe;
        got = pipe.read(into);
        if (got == 0 && !pipe.drained() && !pipe.broken()) {
            owner_.on_dry();
            return CURL_READFUNC_PAUSE;
        }
    }
    if (got == 0) return CURL_READFUNC_ABORT;
    given_ += got;
    owner_.on_given();
    return got;
}

int BodySource::seek(std::uint64_t offset) {
    if (std::holds_alternative<PipedBytes>(content_))
        return offset == given_ ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
    if (offset > size_) return CURL_SEEKFUNC_FAIL;
    if (const auto* file = std::get_if<FileBytes>(&content_)) {
        file->file->clear();
        file->file->seekg(static_cast<std::streamoff>(offset));
        if (!*file->file) return CURL_SEEKFUNC_FAIL;
    }
    given_ = offset;
    owner_.on_rewound();
    return CURL_SEEKFUNC_OK;
}

}  // namespace prewarm::http
