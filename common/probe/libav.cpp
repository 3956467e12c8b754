#include "common/probe/libav.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <string_view>

#include "common/base/text.hpp"
#include "common/log/log.hpp"

namespace prewarm::probe {
namespace {

// An index of two hours, or a picture of most_pixels, and no more: a few bytes of a hostile file
// can ask for gigabytes.
constexpr std::size_t most_allocated_bytes = 40'000'000;

void log_line(void*, int level, const char* format, std::va_list arguments) {
    if (level > AV_LOG_ERROR) return;
    std::array<char, 400> line{};
    const int size = std::vsnprintf(line.data(), line.size(), format, arguments);
    if (size <= 0) return;
    std::string_view text{line.data()};
    while (text.ends_with('\n'))
        text.remove_suffix(1);
    log::debug("probe.libav", "a container is not as it should be", {{"says", printable(text)}});
}

}  // namespace

void FreeAv::operator()(AVFormatContext* file) const {
    avformat_close_input(&file);
}
void FreeAv::operator()(AVIOContext* io) const {
    // It may have replaced the buffer that it was given.
    av_freep(static_cast<void*>(&io->buffer));
    avio_context_free(&io);
}
void FreeAv::operator()(AVCodecContext* codec) const {
    avcodec_free_context(&codec);
}
void FreeAv::operator()(AVFrame* frame) const {
    av_frame_free(&frame);
}
void FreeAv::operator()(AVPacket* packet) const {
    av_packet_free(&packet);
}
void FreeAv::operator()(SwsContext* scaler) const {
    sws_freeContext(scaler);
}

void set_up_libav() {
    static std::once_flag once;
    std::call_once(once, [] {
        av_log_set_callback(log_line);
        av_max_alloc(most_allocated_bytes);
    });
}

std::string libav_error(int code) {
    std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
    av_strerror(code, text.data(), text.size());
    return text.data();
}

}  // namespace prewarm::probe
